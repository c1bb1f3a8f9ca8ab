#include "kernels/cpu/peak.h"

namespace saev::plain {

int64_t multiply_add_operations() {
  return 2;
}

float multiply_add_steps(int64_t steps) {
  volatile float factor = 0.5f;
  const float a = factor;
  float sum = 1;
  for (int64_t i = 0; i < steps; ++i) sum = sum * a + a;
  return sum;
}

}  // namespace saev::plain
