// One task of a scan: what every instruction set's kernels are given.
#ifndef INPAINT_CPU_PLANE_H_
#define INPAINT_CPU_PLANE_H_

#include <cstdint>

namespace inpaint {

// Rows of weight and bias, and quarters of the output's channels, in this order.
enum Direction { kUp = 0, kRight = 1, kDown = 2, kLeft = 3, kDirections = 4 };

constexpr int kDtypes = 4;

// A cache line; also the alignment that streaming stores need.
constexpr int kLineBytes = 64;

// The part of one image plane that one task scans: the vertical directions over columns
// [col_begin, col_end), the horizontal ones over rows [row_begin, row_end).
struct Part {
  int64_t height, width;
  int64_t row_begin, row_end;
  int64_t col_begin, col_end;
};

struct ForwardTask {
  Part part;
  const void* x;           // [H, W]
  void* out[kDirections];  // [H, W] each
  double weight[kDirections];
  double bias[kDirections];
  bool stream;  // write around the caches; rows of `out` start on cache lines
};

struct BackwardTask {
  Part part;
  const void* out[kDirections];       // [H, W] each, from the forward pass
  const void* grad_out[kDirections];  // [H, W] each
  void* grad_x;  // [H, W], in the type that state has; columns set it, rows add to it
  double weight[kDirections];
  void* state;          // [W] of that type, for the task's own use
  double* grad_weight;  // [kDirections], this task's share
  double* grad_bias;
};

// Tables are indexed by inpaint_scan_dtype.
struct Kernels {
  const char* name;
  void (*forward[kDtypes])(const ForwardTask&);
  void (*backward[kDtypes])(const BackwardTask&);
  void (*narrow[kDtypes])(const float* from, void* to, int64_t count);  // null: state's own type
};

// Null where this build or this machine lacks the instruction set.
const Kernels* kernels_avx512();
const Kernels* kernels_avx2();
const Kernels* kernels_neon();
const Kernels* kernels_portable();

}  // namespace inpaint

#endif  // INPAINT_CPU_PLANE_H_
