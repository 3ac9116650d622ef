// Forward, one thread a line: for shapes with lines enough to fill the device.
//
// A block has 128 threads and scans 64 lines (columns: 64 groups of neighbouring columns) both
// ways: warps 0 and 1 from the first element to the last, warps 2 and 3 back. Each line is read as
// a stream, kept ahead of the scan by a ring: registers for columns, shared memory for rows.
// Nothing in a block waits for another warp, so there is no block-wide barrier.
#pragma once

#include "lines.cuh"

namespace inpaint {
namespace scan {

constexpr int kStreamThreads = 128;
constexpr int kStreamLines = kStreamThreads / 2;  // per block
constexpr int kRowStages = 3;                     // tiles a warp holds: one scanned, two on the way
constexpr int kColumnDepth = 16;                  // rows a thread holds ahead
constexpr int kStreamShared = (kStreamThreads / kWarp) * kRowStages * 4096;

// kBytes: what a thread takes of each row, one or more neighbouring columns of one plane.
template <class T, int kBytes>
__device__ __forceinline__ void stream_columns(const ForwardParams& p, std::int64_t block) {
  using Lines = ColumnLines<T, kBytes>;
  constexpr int kColumns = Lines::kColumns;
  const std::int64_t group = block * kStreamLines + threadIdx.x % kStreamLines;
  if (group >= Lines::groups(p)) return;
  const Lines lines(p, group, threadIdx.x >= kStreamLines);
  const int rows = lines.rows;
  const std::int64_t stride = lines.stride;
  const float w = lines.w;
  const float b = lines.b;
  const T* x = lines.x;
  T* y = lines.y;

  Packet<kBytes> ring[kColumnDepth];
#pragma unroll
  for (int k = 0; k < kColumnDepth; ++k) {
    if (k < rows) ring[k] = load_global<kBytes>(x + k * stride);
  }
  const T* ahead = x + kColumnDepth * stride;  // the next row to load

  LineState state[kColumns];
  float value[kColumns];
  unpack<T, kBytes>(ring[0], value);
#pragma unroll
  for (int j = 0; j < kColumns; ++j) {
    state[j].begin(value[j]);
    value[j] = state[j].h;
  }
  store_global(y, pack<T, kBytes>(value));
  if (kColumnDepth < rows) ring[0] = load_global<kBytes>(ahead);

  const auto take_row = [&](const Packet<kBytes>& packet) {
    unpack<T, kBytes>(packet, value);
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      state[j].step(w, b + value[j]);
      value[j] = state[j].h;
    }
    y += stride;
    ahead += stride;
    store_global(y, pack<T, kBytes>(value));
  };

  // Ring slot k holds row i + k; it is read and refilled with row i + k + kColumnDepth. The slots
  // are numbered from 1, as row 0 is done: slot kColumnDepth is slot 0 again.
  int i = 0;
  for (; i + 2 * kColumnDepth < rows; i += kColumnDepth) {
#pragma unroll
    for (int k = 1; k <= kColumnDepth; ++k) {
      take_row(ring[k % kColumnDepth]);
      ring[k % kColumnDepth] = load_global<kBytes>(ahead);
    }
  }
  for (; i < rows; i += kColumnDepth) {
#pragma unroll
    for (int k = 1; k <= kColumnDepth; ++k) {
      if (i + k < rows) {
        take_row(ring[k % kColumnDepth]);
        if (i + k + kColumnDepth < rows) ring[k % kColumnDepth] = load_global<kBytes>(ahead);
      }
    }
  }
}

template <class T, int kCopyBytes, bool kReverse>
__device__ __forceinline__ void stream_rows(const ForwardParams& p, std::int64_t first_line,
                                            unsigned char* ring) {
  using Tile = RowTile<T, kCopyBytes>;
  if (first_line >= p.planes * p.height) return;
  const RowLines<T, kCopyBytes, kReverse> lines(p, first_line);
  const int lane = threadIdx.x % kWarp;

#pragma unroll
  for (int t = 0; t < kRowStages - 1; ++t) {
    if (t < lines.tiles) lines.load(ring + t * Tile::kBytes, t, lane);
    commit_copies();
  }
  LineState state = LineState::carried(0.0f);
  int slot = 0;  // of tile t
  int load_slot = kRowStages - 1;
  for (int t = 0; t < lines.tiles; ++t) {
    const int next = t + kRowStages - 1;
    if (next < lines.tiles) lines.load(ring + load_slot * Tile::kBytes, next, lane);
    commit_copies();
    wait_for_copies<kRowStages - 1>();
    __syncwarp();  // every lane's copies have arrived
    unsigned char* tile = ring + slot * Tile::kBytes;
    if (lines.has_line(lane)) lines.template advance<true>(tile, t, lane, state);
    __syncwarp();  // every row is scanned
    lines.store(tile, t, lane);
    __syncwarp();  // the tile is free
    load_slot = slot;
    slot = slot + 1 == kRowStages ? 0 : slot + 1;
  }
}

template <class T, int kCopyBytes, int kColumnBytes>
__global__ void __launch_bounds__(kStreamThreads, 4) forward_streaming(const ForwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const BlockRole role = block_role(blockIdx.x, p.grid);
  if (role.scans_columns) {
    stream_columns<T, kColumnBytes>(p, role.index);
    return;
  }
  constexpr int kWarps = kStreamThreads / kWarp;
  const int warp = threadIdx.x / kWarp;
  unsigned char* ring = scan_shared + warp * kRowStages * RowTile<T, kCopyBytes>::kBytes;
  const std::int64_t first_line = role.index * kStreamLines + (warp % (kWarps / 2)) * kWarp;
  if (warp < kWarps / 2) {
    stream_rows<T, kCopyBytes, false>(p, first_line, ring);
  } else {
    stream_rows<T, kCopyBytes, true>(p, first_line, ring);
  }
}

}  // namespace scan
}  // namespace inpaint
