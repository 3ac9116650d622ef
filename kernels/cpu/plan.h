// How the work is cut into tasks, and where a task's data lies.
#ifndef INPAINT_CPU_PLAN_H_
#define INPAINT_CPU_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "check.h"
#include "plane.h"

namespace inpaint {

// Parts of a plane begin at multiples of these, so that rows of a block and lines of cache are
// whole.
constexpr int64_t kPartColumns = 64;
constexpr int64_t kPartRows = 16;

// Each plane is cut into `parts`, each part some columns and some rows of it.
class Plan {
 public:
  // At least `tasks` tasks, where planes are large enough to be cut. `sizes` must not be empty.
  Plan(const Sizes& sizes, int64_t tasks) : sizes_(sizes) {
    const int64_t longest = sizes.h > sizes.w ? sizes.h : sizes.w;
    const int64_t most = divide_up(longest, kPartColumns);
    parts_ = divide_up(tasks, sizes.planes());
    if (parts_ > most) parts_ = most;
    columns_ = divide_up(divide_up(sizes.w, parts_), kPartColumns) * kPartColumns;
    rows_ = divide_up(divide_up(sizes.h, parts_), kPartRows) * kPartRows;
  }

  int64_t parts() const { return parts_; }
  size_t tasks() const { return static_cast<size_t>(sizes_.planes() * parts_); }
  int64_t plane(size_t task) const { return static_cast<int64_t>(task) / parts_; }
  int64_t channel(size_t task) const { return plane(task) % sizes_.c; }

  Part part(size_t task) const {
    const int64_t p = static_cast<int64_t>(task) % parts_;
    const auto clip = [](int64_t value, int64_t most) { return value < most ? value : most; };
    Part part;
    part.height = sizes_.h;
    part.width = sizes_.w;
    part.row_begin = clip(p * rows_, sizes_.h);
    part.row_end = clip((p + 1) * rows_, sizes_.h);
    part.col_begin = clip(p * columns_, sizes_.w);
    part.col_end = clip((p + 1) * columns_, sizes_.w);
    return part;
  }

  // A task's plane in a tensor [N, C, H, W], in elements.
  int64_t offset(size_t task) const { return plane(task) * sizes_.plane(); }

  // Its plane for direction d in a tensor [N, 4C, H, W], in elements.
  int64_t offset(size_t task, int d) const {
    const int64_t n = plane(task) / sizes_.c;
    return ((n * kDirections + d) * sizes_.c + channel(task)) * sizes_.plane();
  }

  // Direction d of its channel in a parameter [4, C].
  size_t parameter(size_t task, int d) const {
    return static_cast<size_t>(d * sizes_.c + channel(task));
  }

 private:
  static int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }

  Sizes sizes_;
  int64_t parts_, columns_, rows_;
};

}  // namespace inpaint

#endif  // INPAINT_CPU_PLAN_H_
