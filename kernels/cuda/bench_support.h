// What makes a benchmark's times those of the memory and not of a cache or of a launch.
#pragma once

#include <cstddef>

namespace inpaint {
namespace scan {

// How many sets of buffers to go through in turn, so that none is in the L2 cache when its turn
// comes again: together they are twice as large.
constexpr std::size_t rotation_size(std::size_t set_bytes, std::size_t cache_bytes) {
  return 1 + 2 * cache_bytes / (set_bytes > 0 ? set_bytes : 1);
}

// How many launches to time as one graph, given what one alone takes. Alone it includes the gap
// before it, some microseconds; many together take at least kBatchMicroseconds.
constexpr double kBatchMicroseconds = 1000.0;
constexpr int kLargestBatch = 256;

constexpr int batch_size(double microseconds) {
  if (!(microseconds > kBatchMicroseconds / kLargestBatch)) return kLargestBatch;
  const int needed = static_cast<int>(kBatchMicroseconds / microseconds) + 1;
  return needed < kLargestBatch ? needed : kLargestBatch;
}

}  // namespace scan
}  // namespace inpaint
