// The mode of the bf16 kernels. Included by leaf files only; in an unnamed namespace, so that no
// function compiled with their flags is seen outside of them.
#pragma once

#include <immintrin.h>

namespace ondol {
namespace {

// Subnormal numbers are zero while one lives.
class SubnormalsAreZero {
 public:
  SubnormalsAreZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040U); }
  ~SubnormalsAreZero() { _mm_setcsr(before_); }
  SubnormalsAreZero(const SubnormalsAreZero&) = delete;
  SubnormalsAreZero& operator=(const SubnormalsAreZero&) = delete;

 private:
  unsigned before_;
};

}  // namespace
}  // namespace ondol
