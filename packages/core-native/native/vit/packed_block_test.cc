#include "vit/packed_block.h"

#include <string>

#include "test/check.h"
#include "vit/block.h"

// Blocks whose branches are normed after they were computed need the sums before the residual is added, which
// the fused epilogue does not keep: such models run on libtorch's products, and in bfloat16 not at all.
TEST(a_block_that_norms_its_outputs_is_not_packed) {
  saev::Block block;
  block.post_norm = true;
  for (const saev::Precision precision : {saev::Precision::kFloat32, saev::Precision::kBfloat16}) {
    const char* why = saev::cannot_pack(block, precision);
    CHECK(why != nullptr && std::string(why).find("norm their outputs") != std::string::npos);
  }
}
