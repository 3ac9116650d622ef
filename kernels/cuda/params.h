// What a kernel is told. Plain data, passed by value.
#pragma once

#include <cstdint>

#include "../common/dtype.h"
#include "../common/indexing.h"

namespace inpaint {
namespace scan {

// Each launch has two kinds of block: those that scan columns (up and down) and those that scan
// rows (right and left).
struct Grid {
  std::int64_t column_blocks;
  std::int64_t row_blocks;
};

struct ForwardParams {
  const void* x;       // [N, C, H, W]
  const void* weight;  // [4, C]
  const void* bias;    // [4, C]
  void* y;             // [N, 4C, H, W]
  std::int64_t planes;
  std::int64_t channels;
  int height;
  int width;
  bool parameters_are_float;  // weight and bias are fp32, whatever x is
  Grid grid;
};

struct BackwardParams {
  const void* y;       // [N, 4C, H, W], the forward pass's output
  const void* grad_y;  // [N, 4C, H, W]
  const void* weight;  // [4, C]
  void* grad_x;        // [N, C, H, W]
  float* grad_weight;  // [4, C]
  float* grad_bias;    // [4, C]
  float* sum;          // [N, C, H, W], grad_x in fp32 while directions are added up
  float* line_sums;    // (grad_w, grad_b) of each line: columns up, rows right, columns down, ...
  std::int64_t planes;
  std::int64_t channels;
  int height;
  int width;
  bool parameters_are_float;
};

template <class T>
INPAINT_HD float load_parameter(const void* values, bool is_float, std::int64_t index) {
  return is_float ? static_cast<const float*>(values)[index]
                  : to_float(static_cast<const T*>(values)[index]);
}

// Which block does what. Blocks are started in order, and the four directions of a plane should run
// at about the same time, so that three of the four find X in the L2 cache. So the two kinds are
// dealt out evenly, columns first: of the first k blocks, the share that scans columns is that of
// the whole grid, rounded up.
struct BlockRole {
  bool scans_columns;
  std::int64_t index;  // among the blocks of its kind
};

INPAINT_HD BlockRole block_role(std::int64_t block, const Grid& grid) {
  const std::int64_t total = grid.column_blocks + grid.row_blocks;
  const std::int64_t before = (block * grid.column_blocks + total - 1) / total;
  const std::int64_t after = ((block + 1) * grid.column_blocks + total - 1) / total;
  if (after > before) return BlockRole{true, before};
  return BlockRole{false, block - before};
}

}  // namespace scan
}  // namespace inpaint
