// From a checked problem to a launch, for one storage type. Included by one source file per type,
// so that they compile side by side.
#pragma once

#include <cuda_runtime.h>

#include "backward_chunked.cuh"
#include "backward_streaming.cuh"
#include "forward_chunked.cuh"
#include "forward_streaming.cuh"
#include "launch.h"
#include "strategy.h"
#include "sum_lines.cuh"

namespace inpaint {
namespace scan {

inline std::int64_t blocks_for(std::int64_t items, std::int64_t per_block) {
  return (items + per_block - 1) / per_block;
}

// How many warps share a line: one for each chunk, up to `most`.
inline int chunks_of(int length, int chunk, int most) {
  const int chunks = (length + chunk - 1) / chunk;
  return chunks < most ? chunks : most;
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
  const int for_columns = chunks_of(p.height, kChunkRows, kChunkWarps);
  const int for_rows = chunks_of(p.width, RowTile<T, kCopyBytes>::kColumns, kChunkWarps);
  const int warps = for_columns > for_rows ? for_columns : for_rows;
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

template <class T, int kBytes>
cudaError_t launch_backward_columns(const BackwardParams& p, Strategy strategy,
                                    cudaStream_t stream) {
  const std::int64_t groups = p.planes * (p.width / (kBytes / static_cast<int>(sizeof(T))));
  if (strategy == Strategy::kChunked) {
    const int warps = chunks_of(p.height, kBackChunkRows, kBackChunkWarps);
    return launch(backward_columns_chunked<T, kBytes>, blocks_for(groups, kWarp), warps * kWarp,
                  chunked_back_shared_bytes(warps, false), p, stream);
  }
  return launch(backward_columns_streaming<T, kBytes>, blocks_for(groups, kBackwardThreads),
                kBackwardThreads, 0, p, stream);
}

template <class T>
cudaError_t launch_backward_rows(const BackwardParams& p, Strategy strategy, cudaStream_t stream) {
  const std::int64_t lines = p.planes * p.height;
  if (strategy == Strategy::kChunked) {
    const int warps = chunks_of(p.width, kGradientTile, kBackChunkRowWarps);
    return launch(backward_rows_chunked<T>, blocks_for(lines, kWarp), warps * kWarp,
                  chunked_back_shared_bytes(warps, true), p, stream);
  }
  return launch(backward_rows_streaming<T>, blocks_for(lines, kBackwardThreads), kBackwardThreads,
                kBackwardRowShared, p, stream);
}

template <class T>
cudaError_t backward_of_type(const BackwardParams& p, Strategy strategy, cudaStream_t stream) {
  constexpr int kOne = static_cast<int>(sizeof(T));
  const bool paired = sizeof(T) == 2 && row_alignment<T>(p.y, p.grad_y, p.width) >= 4;
  cudaError_t error = paired ? launch_backward_columns<T, 4>(p, strategy, stream)
                             : launch_backward_columns<T, kOne>(p, strategy, stream);
  if (error == cudaSuccess) error = launch_backward_rows<T>(p, strategy, stream);
  if (error != cudaSuccess) return error;
  return launch(sum_lines, kDirections * p.channels, kSumThreads, kSumShared, p, stream);
}

}  // namespace scan
}  // namespace inpaint
