// Several processes that train one model together (`mpirun -n 2 ondol train ...`): each works out
// the gradients of its part of a step, all end with the same sums and make the same step.
//
//   auto processes = load_communicator(folder_of_the_program);     // MPI
//   sum_gradients(*processes, gradients, 2);                       // of ranks 0 and 1
//   if (any_of(*processes, interrupted)) ...                       // the same answer everywhere
//   processes->finish();
//
// Every call but size(), rank() and the like is made by all processes in the same order, and waits
// for them. Sums are taken in the order of the ranks, so they depend neither on timing nor on how
// messages travel; with one micro-batch a process they are the bits of one process that works
// them out in turn. A process that ends without finish() ends all others.
//
// What a message needs is in a library of its own (mpi_module.cpp -> ondol_mpi.so beside the
// program, there when MPI was found by the build): programs that train alone neither load nor need
// it. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace ondol::train {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int size() const = 0;
  virtual int rank() const = 0;  // 0: the one that writes and speaks
  // Processes on this machine, this one among them; and of those that may use the same cores.
  virtual int on_this_machine() const = 0;
  virtual int on_these_cores() const = 0;

  // Every process gets the sums of the values of the first `ranks` processes; what the others hold
  // does not count.
  virtual void sum(std::span<float> values, int ranks) = 0;
  virtual void sum(std::span<double> values) = 0;
  // Every process gets what process 0 holds.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  // The end, reached by all.
  virtual void finish() = 0;
};

// A process alone.
class OneProcess final : public Communicator {
 public:
  int size() const override { return 1; }
  int rank() const override { return 0; }
  int on_this_machine() const override { return 1; }
  int on_these_cores() const override { return 1; }
  void sum(std::span<float>, int) override {}
  void sum(std::span<double>) override {}
  void broadcast(std::span<std::byte>) override {}
  void finish() override {}
};

// Whether `folder` holds the library.
bool has_communicator(const std::filesystem::path& folder);
// Joins the processes that were started together. Throws Error(kUnsupported) when the library is
// not in `folder`, cannot be loaded, or is not of this build.
std::unique_ptr<Communicator> load_communicator(const std::filesystem::path& folder);

// Sums of f32 tensors of the same shapes everywhere, many small ones in one message.
void sum_gradients(Communicator& processes, std::span<Tensor> gradients, int ranks);
bool any_of(Communicator& processes, bool here);
// Whether all processes hold the same text.
bool same_text(Communicator& processes, const std::string& text);
// A number that other values would hardly have.
std::string digest(std::span<const Tensor> tensors);
std::string broadcast_text(Communicator& processes, std::string text);
void broadcast_tensor(Communicator& processes, Tensor& tensor);
template <class Value>
void broadcast_value(Communicator& processes, Value& value) {
  processes.broadcast(std::as_writable_bytes(std::span(&value, 1)));
}

}  // namespace ondol::train
