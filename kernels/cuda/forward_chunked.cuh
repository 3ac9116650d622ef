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

#include "lines.cuh"

namespace inpaint {
namespace scan {

constexpr int kChunkWarps = 8;           // at most, per block
constexpr int kChunkRows = 16;           // rows of a column chunk
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
  using Lines = ColumnLines<T, kBytes>;
  constexpr int kColumns = Lines::kColumns;
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const ChunkedShared shared = chunked_shared(shared_base, warps);

  const std::int64_t wanted = (block / 2) * kWarp + lane;
  const std::int64_t groups = Lines::groups(p);
  const bool live = wanted < groups;  // idle lanes still meet the barriers
  const Lines lines(p, live ? wanted : groups - 1, block % 2 != 0);
  const int rows = lines.rows;
  const float w = lines.w;
  const float b = lines.b;
  const auto take = [&](auto& state, bool is_first, float x) {
    if (is_first) {
      state.begin(x);
    } else {
      state.step(w, b + x);
    }
  };

  for (int base = 0; base < rows; base += warps * kChunkRows) {
    const int first = base + warp * kChunkRows;
    Packet<kBytes> chunk[kChunkRows];
    std::int64_t at = first * lines.stride;
#pragma unroll
    for (int k = 0; k < kChunkRows; ++k) {
      if (first + k < rows) chunk[k] = load_global<kBytes>(lines.x + at);
      at += lines.stride;
      if (k % 8 == 7) forget_offset(at);
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
        for (int j = 0; j < kColumns; ++j) take(map[j], k == 0 && first == 0, value[j]);
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
            take(walker, i == 0, to_float(lines.x[i * lines.stride + j]));
          }
          return walker.h;
        });
      }
      state[j] = LineState::carried(h);
    }
    __syncthreads();  // maps and carried states have been read by all

    at = first * lines.stride;
#pragma unroll
    for (int k = 0; k < kChunkRows; ++k) {
      if (first + k < rows) {
        float value[kColumns];
        forget_values(chunk[k]);
        unpack<T, kBytes>(chunk[k], value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          take(state[j], k == 0 && first == 0, value[j]);
          value[j] = state[j].h;
        }
        if (live) store_global(lines.y + at, pack<T, kBytes>(value));
      }
      at += lines.stride;
      if (k % 8 == 7) forget_offset(at);
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
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const ChunkedShared shared = chunked_shared(shared_base, warps);
  const RowLines<T, kCopyBytes, kReverse> lines(p, first_line);
  const bool scans = lines.has_line(lane);
  unsigned char* tile = shared.tiles + warp * Tile::kBytes;

  for (int base = 0; base < lines.tiles; base += warps) {
    const int mine = base + warp;
    const bool busy = mine < lines.tiles;
    if (busy) {
      lines.load(tile, mine, lane);
      commit_copies();
      wait_for_copies<0>();
      __syncwarp();  // every lane's copies have arrived
      if (scans) {
        ClampMap map = ClampMap::identity();
        lines.template advance<false>(tile, mine, lane, map);
        shared.maps[warp * kMapsPerWarp + lane] = map;
      }
    }
    __syncthreads();

    float h = base == 0 ? 0.0f : shared.carried[lane];
    if (busy && scans) {
      for (int before = 0; before < warp; ++before) {
        h = carry_through(shared.maps[before * kMapsPerWarp + lane], h, [&](float in) {
          LineState walker = LineState::carried(in);
          lines.template advance<false>(shared.tiles + before * Tile::kBytes, base + before, lane,
                                        walker);
          return walker.h;
        });
      }
    }
    __syncthreads();  // nobody reads another warp's tile, the maps or the carried states any more

    if (busy) {
      LineState state = LineState::carried(h);
      if (scans) {
        lines.template advance<true>(tile, mine, lane, state);
        if (warp == warps - 1) shared.carried[lane] = state.h;
      }
      __syncwarp();  // every row is scanned
      lines.store(tile, mine, lane);
      __syncwarp();  // the tile is free
    }
    // The next round's first barrier makes the carried states visible.
  }
}

template <class T, int kCopyBytes, int kColumnBytes>
__global__ void __launch_bounds__(kChunkWarps* kWarp, 2) forward_chunked(const ForwardParams p) {
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
