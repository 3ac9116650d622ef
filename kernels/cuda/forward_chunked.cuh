// Forward, one warp a chunk: for shapes with too few lines to fill the device.
//
// A block scans 32 lines (columns: 32 groups of neighbouring columns) one way. Each of its warps
// takes one chunk of them, reads it once and summarises it as a ClampMap; after a barrier each warp
// carries the state through the maps of the chunks before its own, then takes its own steps. Lines
// longer than the block's warps cover are done in rounds, the last chunk's state carried over.
//
// Shared memory: [warps] tiles (rows only), [warps][kMapsPerWarp] maps, [kMapsPerWarp] carried
// states.
#pragma once

#include "params.h"
#include "row_tile.cuh"

namespace inpaint {
namespace scan {

constexpr int kChunkWarps = 8;           // at most, per block
constexpr int kChunkRows = 32;           // rows of a column chunk
constexpr int kMapsPerWarp = 2 * kWarp;  // two columns a thread at most

constexpr int chunked_shared_bytes(int warps) {
  return warps * (4096 + kMapsPerWarp * static_cast<int>(sizeof(ClampMap))) +
         kMapsPerWarp * static_cast<int>(sizeof(float));
}

struct ChunkedShared {
  unsigned char* tiles;
  ClampMap* maps;
  float* carried;
};

__device__ __forceinline__ ChunkedShared chunked_shared(unsigned char* base, int warps) {
  ChunkedShared shared;
  shared.tiles = base;
  shared.maps = reinterpret_cast<ClampMap*>(base + warps * 4096);
  shared.carried = reinterpret_cast<float*>(shared.maps + warps * kMapsPerWarp);
  return shared;
}

template <class T, int kBytes>
__device__ __forceinline__ void chunk_columns(const ForwardParams& p, std::int64_t block,
                                              unsigned char* shared_base) {
  constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const ChunkedShared shared = chunked_shared(shared_base, warps);

  const bool reverse = block % 2 != 0;
  const int direction = reverse ? kUp : kDown;
  const std::int64_t groups_in_row = p.width / kColumns;
  const std::int64_t groups = p.planes * groups_in_row;
  const std::int64_t wanted = (block / 2) * kWarp + lane;
  const bool live = wanted < groups;
  const std::int64_t group = live ? wanted : groups - 1;  // idle lanes still meet the barriers
  const std::int64_t plane = group / groups_in_row;
  const std::int64_t column = (group - plane * groups_in_row) * kColumns;

  const std::int64_t parameter = parameter_index(plane, p.channels, direction);
  const float w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
  const float b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);

  const int rows = p.height;
  const std::int64_t plane_size = static_cast<std::int64_t>(rows) * p.width;
  const std::int64_t start = column + (reverse ? plane_size - p.width : 0);
  const std::int64_t stride = reverse ? -static_cast<std::int64_t>(p.width) : p.width;
  const T* x = static_cast<const T*>(p.x) + plane * plane_size + start;
  T* y = static_cast<T*>(p.y) + output_plane(plane, p.channels, direction) * plane_size + start;

  for (int base = 0; base < rows; base += warps * kChunkRows) {
    const int first = base + warp * kChunkRows;
    Packet<kBytes> chunk[kChunkRows];
#pragma unroll
    for (int k = 0; k < kChunkRows; ++k) {
      if (first + k < rows) chunk[k] = load_global<kBytes>(x + (first + k) * stride);
    }

    ClampMap map[kColumns];
#pragma unroll
    for (int j = 0; j < kColumns; ++j) map[j] = ClampMap::identity();
#pragma unroll
    for (int k = 0; k < kChunkRows; ++k) {
      if (first + k < rows) {
        float value[kColumns];
        unpack<T, kBytes>(chunk[k], value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          if (k == 0 && first == 0) {
            map[j].begin(value[j]);
          } else {
            map[j].step(w, b + value[j]);
          }
        }
      }
    }
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      shared.maps[warp * kMapsPerWarp + j * kWarp + lane] = map[j];
    }
    __syncthreads();

    LineState state[kColumns];
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      float h = base == 0 ? 0.0f : shared.carried[j * kWarp + lane];
      for (int before = 0; before < warp; ++before) {
        const int from = base + before * kChunkRows;
        if (from >= rows) break;
        h = carry_through(shared.maps[before * kMapsPerWarp + j * kWarp + lane], h, [&](float in) {
          LineState walker = LineState::carried(in);
          const int end = from + kChunkRows < rows ? from + kChunkRows : rows;
#pragma unroll 1
          for (int i = from; i < end; ++i) {
            const float value = to_float(x[i * stride + j]);
            if (i == 0) {
              walker.begin(value);
            } else {
              walker.step(w, b + value);
            }
          }
          return walker.h;
        });
      }
      state[j] = LineState::carried(h);
    }
    __syncthreads();  // maps and carried states have been read by all

#pragma unroll
    for (int k = 0; k < kChunkRows; ++k) {
      if (first + k < rows) {
        float value[kColumns];
        unpack<T, kBytes>(chunk[k], value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          if (k == 0 && first == 0) {
            state[j].begin(value[j]);
          } else {
            state[j].step(w, b + value[j]);
          }
          value[j] = state[j].h;
        }
        if (live) store_global(y + (first + k) * stride, pack<T, kBytes>(value));
      }
    }
    if (warp == warps - 1) {
#pragma unroll
      for (int j = 0; j < kColumns; ++j) shared.carried[j * kWarp + lane] = state[j].h;
    }
    // The next round's first barrier makes the carried states visible.
  }
}

template <class T, int kCopyBytes, bool kReverse>
__device__ __forceinline__ void chunk_rows(const ForwardParams& p, std::int64_t first_line,
                                           unsigned char* shared_base) {
  using Tile = RowTile<T, kCopyBytes>;
  constexpr int kDirection = kReverse ? kLeft : kRight;
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const ChunkedShared shared = chunked_shared(shared_base, warps);

  const std::int64_t lines_left = p.planes * p.height - first_line;
  const int rows = lines_left < Tile::kRows ? static_cast<int>(lines_left) : Tile::kRows;
  // Rows past the last repeat it, so that every lane has an address and a weight.
  const int row = lane < rows ? lane : rows - 1;
  const std::int64_t line = first_line + row;
  const std::int64_t plane = line / p.height;
  const std::int64_t parameter = parameter_index(plane, p.channels, kDirection);
  const float w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
  const float b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);
  const std::int64_t to_plane = output_plane(plane, p.channels, kDirection);
  const std::int64_t line_offset = (to_plane * p.height + (line - plane * p.height)) * p.width;
  const T* x = static_cast<const T*>(p.x) + first_line * p.width;
  T* y = static_cast<T*>(p.y);

  const int segments = (p.width + Tile::kColumns - 1) / Tile::kColumns;
  const auto column_of = [&](int s) { return (kReverse ? segments - 1 - s : s) * Tile::kColumns; };
  unsigned char* tile = shared.tiles + warp * Tile::kBytes;

  for (int base = 0; base < segments; base += warps) {
    const int segment = base + warp;
    const int column = column_of(segment);
    const bool mine = segment < segments;
    if (mine) {
      Tile::load(tile, x, rows, column, p.width, lane);
      commit_copies();
      wait_for_copies<0>();
      __syncwarp();  // every lane's copies have arrived
      if (lane < rows) {
        ClampMap map = ClampMap::identity();
        Tile::template advance<kReverse, false>(tile, lane, column, p.width, w, b, map);
        shared.maps[warp * kMapsPerWarp + lane] = map;
      }
    }
    __syncthreads();

    float h = base == 0 ? 0.0f : shared.carried[lane];
    if (mine && lane < rows) {
      for (int before = 0; before < warp; ++before) {
        h = carry_through(shared.maps[before * kMapsPerWarp + lane], h, [&](float in) {
          LineState walker = LineState::carried(in);
          Tile::template advance<kReverse, false>(shared.tiles + before * Tile::kBytes, lane,
                                                  column_of(base + before), p.width, w, b, walker);
          return walker.h;
        });
      }
    }
    __syncthreads();  // nobody reads another warp's tile, the maps or the carried states any more

    if (mine) {
      LineState state = LineState::carried(h);
      if (lane < rows) {
        Tile::template advance<kReverse, true>(tile, lane, column, p.width, w, b, state);
        if (warp == warps - 1) shared.carried[lane] = state.h;
      }
      __syncwarp();  // every row is scanned
      Tile::store(tile, y, line_offset, rows, column, p.width, lane);
      __syncwarp();  // the tile is free
    }
    // The next round's first barrier makes the carried states visible.
  }
}

template <class T, int kCopyBytes, int kColumnBytes>
__global__ void __launch_bounds__(kChunkWarps* kWarp) forward_chunked(const ForwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const BlockRole role = block_role(blockIdx.x, p.grid);
  if (role.scans_columns) {
    chunk_columns<T, kColumnBytes>(p, role.index, scan_shared);
  } else if (role.index % 2 == 0) {
    chunk_rows<T, kCopyBytes, false>(p, (role.index / 2) * kWarp, scan_shared);
  } else {
    chunk_rows<T, kCopyBytes, true>(p, (role.index / 2) * kWarp, scan_shared);
  }
}

}  // namespace scan
}  // namespace inpaint
