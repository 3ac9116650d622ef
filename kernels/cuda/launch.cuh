// From a checked problem to a launch, for one storage type. Included by one source file per type,
// so that they compile side by side.
#pragma once

#include <cuda_runtime.h>

#include "backward_streaming.cuh"
#include "forward_chunked.cuh"
#include "forward_streaming.cuh"
#include "launch.h"
#include "strategy.h"

namespace inpaint {
namespace scan {

inline std::int64_t blocks_for(std::int64_t items, std::int64_t per_block) {
  return (items + per_block - 1) / per_block;
}

template <class Params>
cudaError_t launch(void (*kernel)(Params), std::int64_t blocks, int threads, int shared_bytes,
                   Params params, cudaStream_t stream) {
  if (blocks > INT32_MAX) return cudaErrorInvalidConfiguration;
  void* arguments[] = {&params};
  return cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(blocks)),
                          dim3(static_cast<unsigned>(threads)), arguments,
                          static_cast<std::size_t>(shared_bytes), stream);
}

template <class T, int kCopyBytes, int kColumnBytes>
cudaError_t launch_streaming(ForwardParams p, cudaStream_t stream) {
  constexpr int kColumns = kColumnBytes / static_cast<int>(sizeof(T));
  p.grid.column_blocks = blocks_for(p.planes * (p.width / kColumns), kStreamLines);
  p.grid.row_blocks = blocks_for(p.planes * p.height, kStreamLines);
  return launch(forward_streaming<T, kCopyBytes, kColumnBytes>,
                p.grid.column_blocks + p.grid.row_blocks, kStreamThreads, kStreamShared, p, stream);
}

template <class T, int kCopyBytes, int kColumnBytes>
cudaError_t launch_chunked(ForwardParams p, cudaStream_t stream) {
  constexpr int kColumns = kColumnBytes / static_cast<int>(sizeof(T));
  p.grid.column_blocks = 2 * blocks_for(p.planes * (p.width / kColumns), kWarp);
  p.grid.row_blocks = 2 * blocks_for(p.planes * p.height, kWarp);
  const int column_chunks = (p.height + kChunkRows - 1) / kChunkRows;
  const int tile_columns = RowTile<T, kCopyBytes>::kColumns;
  const int row_chunks = (p.width + tile_columns - 1) / tile_columns;
  const int longest = column_chunks > row_chunks ? column_chunks : row_chunks;
  const int warps = longest < kChunkWarps ? longest : kChunkWarps;
  return launch(forward_chunked<T, kCopyBytes, kColumnBytes>,
                p.grid.column_blocks + p.grid.row_blocks, warps * kWarp,
                chunked_shared_bytes(warps), p, stream);
}

// What every row of x and y begins at a multiple of: 16, 4 or 2 bytes.
template <class T>
int row_alignment(const void* x, const void* y, int width) {
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(x) |
                              reinterpret_cast<std::uintptr_t>(y) |
                              static_cast<std::uintptr_t>(width) * sizeof(T);
  return bits % 16 == 0 ? 16 : bits % 4 == 0 ? 4 : 2;
}

template <class T>
cudaError_t forward_of_type(const ForwardParams& p, Strategy strategy, cudaStream_t stream) {
  const bool chunked = strategy == Strategy::kChunked;
  switch (row_alignment<T>(p.x, p.y, p.width)) {
    case 16:
      return chunked ? launch_chunked<T, 16, 4>(p, stream) : launch_streaming<T, 16, 8>(p, stream);
    case 4:
      return chunked ? launch_chunked<T, 4, 4>(p, stream) : launch_streaming<T, 4, 4>(p, stream);
    default:
      if constexpr (sizeof(T) == 2) {
        return chunked ? launch_chunked<T, 2, 2>(p, stream) : launch_streaming<T, 2, 2>(p, stream);
      } else {
        return cudaErrorMisalignedAddress;  // excluded by the interface's checks
      }
  }
}

template <class T>
cudaError_t backward_of_type(const BackwardParams& p, cudaStream_t stream) {
  constexpr int kThreads = kBackwardThreads;
  const bool paired = sizeof(T) == 2 && row_alignment<T>(p.y, p.grad_y, p.width) >= 4;
  const std::int64_t columns = p.planes * p.width;
  cudaError_t error;
  if (paired) {
    error =
        launch(backward_columns<T, 4>, blocks_for(columns / 2, kThreads), kThreads, 0, p, stream);
  } else {
    error = launch(backward_columns<T, sizeof(T)>, blocks_for(columns, kThreads), kThreads, 0, p,
                   stream);
  }
  if (error != cudaSuccess) return error;
  error = launch(backward_rows<T>, blocks_for(p.planes * p.height, kThreads), kThreads,
                 kBackwardRowShared, p, stream);
  if (error != cudaSuccess) return error;
  return launch(sum_lines, kDirections * p.channels, kThreads, kSumShared, p, stream);
}

}  // namespace scan
}  // namespace inpaint
