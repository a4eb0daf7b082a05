// The compute threads of one engine. Workers sleep between requests (an idle CPU stays idle) and
// spin briefly inside one (`Burst`), because a decode step is hundreds of short phases.
//
//   ThreadPool pool(2);                       // the calling thread counts as one of the two
//   pool.run([&](int index) { ... });         // each index below size() once; returns when all are
//   done pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end, int index) { ... });
//
// An index is a share of the work, not a thread: a share that no worker took up in time is done by
// the caller. So shares must not wait for each other. One caller at a time. Results must not depend
// on which thread ran what: split work so that each output element is computed whole by one thread.
// A worker's exception is kept and rethrown by run().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace ondol {

// A non-owning reference to a callable: no allocation on the hot path.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT: implicit on purpose
      : object_(const_cast<void*>(static_cast<const void*>(&f))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, static_cast<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

class ThreadPool {
 public:
  // threads >= 1, or 0 for one a physical core the process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  void run(FunctionRef<void(int thread)> task);
  // Splits [0, count) into contiguous parts, multiples of `grain` but for the last, one a thread.
  void parallel_for(int64_t count, int64_t grain,
                    FunctionRef<void(int64_t begin, int64_t end, int thread)> body);

  // Memory for what run() computes, kept from call to call: slot t for thread t, slot size() for
  // all together. At least `bytes`, aligned to a page, contents undefined; asking for more than
  // before (by the thread that calls run() only) moves it. Throws Error(kResourceExhausted).
  std::byte* scratch(int slot, size_t bytes);

  // While one lives, idle workers spin a little before they sleep.
  class Burst {
   public:
    explicit Burst(ThreadPool& pool);
    ~Burst();
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;

   private:
    ThreadPool& pool_;
  };

  static int default_size();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol
