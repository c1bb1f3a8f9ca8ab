#pragma once
// The name of a GELU, as configs of models give it.

#include <string>

#include "core/error.h"
#include "kernels/cpu/bias_gelu.h"

namespace saev::bind {

/// Throws Code::kInvalidArgument for what is no name of one.
inline Gelu gelu_of(const std::string& name) {
  for (const Gelu gelu : {Gelu::kErf, Gelu::kTanh, Gelu::kQuick}) {
    if (name == gelu_name(gelu)) return gelu;
  }
  throw Error(Code::kInvalidArgument, "gelu: expected erf, tanh or quick, found '" + name + "'");
}

}  // namespace saev::bind
