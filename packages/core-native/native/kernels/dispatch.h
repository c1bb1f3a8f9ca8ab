#pragma once
// How an operation finds its function for a level: `SAEV_DECLARE_KERNEL` declares one function a level,
// `SAEV_PICK` chooses among those this build has.

#include "kernels/level.h"

/// Declares `name args` at every level; only those of this architecture are defined.
#define SAEV_DECLARE_KERNEL(result, name, args) \
  namespace plain {                             \
  result name args;                             \
  }                                             \
  namespace neon {                              \
  result name args;                             \
  }                                             \
  namespace avx2 {                              \
  result name args;                             \
  }                                             \
  namespace avx512 {                            \
  result name args;                             \
  }

#if defined(SAEV_HAS_AVX2)
#define SAEV_PICK(level, name)                               \
  ((level) == ::saev::Level::kAvx512 ? &::saev::avx512::name \
   : (level) == ::saev::Level::kAvx2 ? &::saev::avx2::name   \
                                     : &::saev::plain::name)
#else
#define SAEV_PICK(level, name) ((level) == ::saev::Level::kNeon ? &::saev::neon::name : &::saev::plain::name)
#endif
