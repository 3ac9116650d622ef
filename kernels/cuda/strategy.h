// Which strategy a shape gets. Host code, no CUDA.
#pragma once

#include <cstdint>

#include "../common/indexing.h"

namespace inpaint {
namespace scan {

enum class Strategy : int { kAuto = 0, kStreaming = 1, kChunked = 2 };

// Streaming needs enough warps per multiprocessor to keep its memory pipe full; every one of them
// walks a whole line, at the latency of memory over the depth of its ring. With fewer warps, and
// lines long enough to be worth cutting, chunks take over. The first row that fits decides.
struct StrategyRow {
  double warps_below;        // streaming warps per multiprocessor
  std::int64_t length_from;  // of the longer of height and width
  Strategy strategy;
};

constexpr StrategyRow kStrategyTable[] = {
    {2.0, 65, Strategy::kChunked},
    {4.0, 97, Strategy::kChunked},
    {8.0, 257, Strategy::kChunked},
    {1e300, 0, Strategy::kStreaming},
};

// Warps of a streaming launch: both ways along each axis; a thread takes 8 bytes of a row in the
// column scans and one line in the row scans.
inline double streaming_warps(const Shape& shape, std::int64_t element_size) {
  const double planes = static_cast<double>(shape.n) * static_cast<double>(shape.c);
  const double column_threads = planes * static_cast<double>(shape.w * element_size) / 8.0;
  const double row_threads = planes * static_cast<double>(shape.h);
  return 2.0 * (column_threads + row_threads) / 32.0;
}

// The same for the backward pass, of whose two launches the smaller counts. A thread walks a line
// both ways, one after the other; in the column launch it takes 4 bytes of a row.
inline double streaming_backward_warps(const Shape& shape, std::int64_t element_size) {
  const double planes = static_cast<double>(shape.n) * static_cast<double>(shape.c);
  const double columns = static_cast<double>(shape.w * element_size) / 4.0;
  const double rows = static_cast<double>(shape.h);
  return planes * (columns < rows ? columns : rows) / 32.0;
}

inline Strategy choose_strategy(const Shape& shape, double streaming_warps, int multiprocessors) {
  const double warps = streaming_warps / multiprocessors;
  const std::int64_t length = shape.h > shape.w ? shape.h : shape.w;
  for (const StrategyRow& row : kStrategyTable) {
    if (warps < row.warps_below && length >= row.length_from) return row.strategy;
  }
  return Strategy::kStreaming;
}

}  // namespace scan
}  // namespace inpaint
