// Backward, one warp a chunk: for shapes with too few lines to fill the device. As in the forward
// pass, a block's warps summarise their chunks of 32 lines, here as AffineMaps; carry the gradient
// through the maps of the chunks before their own; and take their own steps. Two launches, columns
// then rows; the two directions of a line are walked one after the other by the same block.
//
// Shared memory: [warps] pairs of tiles (rows only), [warps][kMapsPerWarp] maps, [kMapsPerWarp]
// carried gradients.
#pragma once

#include "forward_chunked.cuh"
#include "gradient_lines.cuh"

namespace inpaint {
namespace scan {

constexpr int kBackChunkWarps = 8;     // at most, per block of the column launch
constexpr int kBackChunkRowWarps = 4;  // the same, of the row launch: its tiles are large
constexpr int kBackChunkRows = 8;      // rows of a column chunk

constexpr int chunked_back_shared_bytes(int warps, bool tiles) {
  return warps * ((tiles ? kRowWarpFloats * static_cast<int>(sizeof(float)) : 0) +
                  kMapsPerWarp * static_cast<int>(sizeof(AffineMap))) +
         kMapsPerWarp * static_cast<int>(sizeof(float));
}

struct ChunkedBackShared {
  float* tiles;
  AffineMap* maps;
  float* carried;
};

__device__ __forceinline__ ChunkedBackShared chunked_back_shared(unsigned char* base, int warps,
                                                                 bool tiles) {
  ChunkedBackShared shared;
  shared.tiles = reinterpret_cast<float*>(base);
  shared.maps = reinterpret_cast<AffineMap*>(shared.tiles + (tiles ? warps * kRowWarpFloats : 0));
  shared.carried = reinterpret_cast<float*>(shared.maps + warps * kMapsPerWarp);
  return shared;
}

// Adds up the warps' shares of one line's weight and bias gradients, in the warps' order, and saves
// them. `slot` is the line's place among a warp's maps, whose memory is used. Every thread of the
// block calls it; the barriers also order what the block wrote to the sum.
__device__ __forceinline__ void save_chunked_sums(const BackwardParams& p, AffineMap* maps,
                                                  int slot, bool live, int direction,
                                                  std::int64_t line, const BackwardState& state) {
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  maps[warp * kMapsPerWarp + slot] = AffineMap{state.grad_weight, state.grad_bias};
  __syncthreads();
  if (warp == 0 && live) {
    float grad_weight = 0.0f;
    float grad_bias = 0.0f;
    for (int from = 0; from < warps; ++from) {
      grad_weight += maps[from * kMapsPerWarp + slot].a;
      grad_bias += maps[from * kMapsPerWarp + slot].b;
    }
    save_line_sums(p, direction, line, grad_weight, grad_bias);
  }
  __syncthreads();  // the maps are free
}

// kAdd: the sum holds the other direction's share already.
template <class T, int kBytes, bool kReverse, bool kAdd>
__device__ __forceinline__ void chunk_columns_back(const BackwardParams& p, std::int64_t group,
                                                   bool live, const ChunkedBackShared& shared) {
  using Lines = ColumnGradients<T, kBytes, kReverse>;
  constexpr int kColumns = Lines::kColumns;
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const Lines lines(p, group);
  const int rows = lines.rows;

  BackwardState state[kColumns];
#pragma unroll
  for (int j = 0; j < kColumns; ++j) state[j] = BackwardState::carried(0.0f);
  for (int base = 0; base < rows; base += warps * kBackChunkRows) {
    const int first = base + warp * kBackChunkRows;
    Packet<kBytes> y[kBackChunkRows];
    Packet<kBytes> g[kBackChunkRows];
    float total[kBackChunkRows][kColumns];
    std::int64_t at = first * lines.stride;
#pragma unroll
    for (int k = 0; k < kBackChunkRows; ++k) {
      if (first + k < rows) {
        y[k] = load_global<kBytes>(lines.y + at);
        g[k] = load_global<kBytes>(lines.grad_y + at);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) total[k][j] = kAdd && live ? lines.sum[at + j] : 0.0f;
      }
      at += lines.stride;
    }

    AffineMap map[kColumns];
#pragma unroll
    for (int j = 0; j < kColumns; ++j) map[j] = AffineMap::identity();
#pragma unroll
    for (int k = 0; k < kBackChunkRows; ++k) {
      if (first + k < rows) {
        float y_value[kColumns];
        float g_value[kColumns];
        unpack<T, kBytes>(y[k], y_value);
        unpack<T, kBytes>(g[k], g_value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          take_back(map[j], k == 0 && first == 0, lines.w, y_value[j], g_value[j]);
        }
      }
    }
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      shared.maps[warp * kMapsPerWarp + j * kWarp + lane] = map[j];
    }
    __syncthreads();

#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      float s = base == 0 ? 0.0f : shared.carried[j * kWarp + lane];
      for (int before = 0; before < warp; ++before) {
        const int from = base + before * kBackChunkRows;
        if (from >= rows) break;
        s = carry_through(shared.maps[before * kMapsPerWarp + j * kWarp + lane], s, [&](float in) {
          BackwardState walker = BackwardState::carried(in);
          const int end = from + kBackChunkRows < rows ? from + kBackChunkRows : rows;
#pragma unroll 1
          for (int i = from; i < end; ++i) {
            const std::int64_t here = i * lines.stride + j;
            take_back(walker, i == 0, lines.w, to_float(lines.y[here]),
                      to_float(lines.grad_y[here]));
          }
          return walker.s;
        });
      }
      state[j].s = s;
    }
    __syncthreads();  // maps and carried gradients have been read by all

    at = first * lines.stride;
#pragma unroll
    for (int k = 0; k < kBackChunkRows; ++k) {
      if (first + k < rows) {
        float y_value[kColumns];
        float g_value[kColumns];
        forget_values(y[k]);
        forget_values(g[k]);
        unpack<T, kBytes>(y[k], y_value);
        unpack<T, kBytes>(g[k], g_value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          take_back(state[j], k == 0 && first == 0, lines.w, y_value[j], g_value[j]);
          if (live) lines.sum[at + j] = total[k][j] + state[j].s;
        }
      }
      at += lines.stride;
    }
    if (warp == warps - 1) {
#pragma unroll
      for (int j = 0; j < kColumns; ++j) shared.carried[j * kWarp + lane] = state[j].s;
    }
    // The next round's first barrier makes the carried gradients visible.
  }
#pragma unroll
  for (int j = 0; j < kColumns; ++j) {
    save_chunked_sums(p, shared.maps, j * kWarp + lane, live, Lines::kDirection, lines.line + j,
                      state[j]);
  }
}

template <class T, int kBytes>
__global__ void __launch_bounds__(kBackChunkWarps* kWarp, 2)
    backward_columns_chunked(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const ChunkedBackShared shared = chunked_back_shared(scan_shared, blockDim.x / kWarp, false);
  const std::int64_t wanted = static_cast<std::int64_t>(blockIdx.x) * kWarp + threadIdx.x % kWarp;
  const std::int64_t groups = ColumnGradients<T, kBytes, false>::groups(p);
  const bool live = wanted < groups;  // idle lanes still meet the barriers
  const std::int64_t group = live ? wanted : groups - 1;
  chunk_columns_back<T, kBytes, false, false>(p, group, live, shared);
  chunk_columns_back<T, kBytes, true, true>(p, group, live, shared);
}

template <class T, bool kReverse, bool kLast>
__device__ __forceinline__ void chunk_rows_back(const BackwardParams& p, std::int64_t first_line,
                                                const ChunkedBackShared& shared) {
  const RowGradients<T, kReverse> lines(p, first_line);
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int warps = blockDim.x / kWarp;
  const bool walks = lines.has_line(lane);
  float* y_tile = shared.tiles + warp * kRowWarpFloats;
  float* g_tile = y_tile + kTileFloats;

  BackwardState state = BackwardState::carried(0.0f);
  for (int base = 0; base < lines.tiles; base += warps) {
    const int mine = base + warp;
    const bool busy = mine < lines.tiles;
    if (busy) {
      lines.load(y_tile, g_tile, mine, lane);
      __syncwarp();  // the tiles are filled
      if (walks) {
        AffineMap map = AffineMap::identity();
        lines.walk(y_tile, g_tile, mine, lane, map, [](int, const AffineMap&) {});
        shared.maps[warp * kMapsPerWarp + lane] = map;
      }
    }
    __syncthreads();

    float s = base == 0 ? 0.0f : shared.carried[lane];
    if (busy && walks) {
      for (int before = 0; before < warp; ++before) {
        s = carry_through(shared.maps[before * kMapsPerWarp + lane], s, [&](float in) {
          BackwardState walker = BackwardState::carried(in);
          const float* tile = shared.tiles + before * kRowWarpFloats;
          lines.walk(tile, tile + kTileFloats, base + before, lane, walker,
                     [](int, const BackwardState&) {});
          return walker.s;
        });
      }
    }
    __syncthreads();  // nobody reads another warp's tiles, the maps or the carried gradients

    if (busy) {
      if (walks) {
        state.s = s;
        lines.walk_and_keep(y_tile, g_tile, mine, lane, state);
        if (warp == warps - 1) shared.carried[lane] = state.s;
      }
      __syncwarp();  // g_tile holds this direction's share of grad_x
      lines.template add<kLast>(g_tile, mine, lane);
      __syncwarp();  // the tiles are free
    }
    // The next round's first barrier makes the carried gradients visible.
  }
  save_chunked_sums(p, shared.maps, lane, walks, lines.kDirection, lines.line, state);
}

template <class T>
__global__ void __launch_bounds__(kBackChunkRowWarps* kWarp, 4)
    backward_rows_chunked(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const ChunkedBackShared shared = chunked_back_shared(scan_shared, blockDim.x / kWarp, true);
  const std::int64_t first_line = static_cast<std::int64_t>(blockIdx.x) * kWarp;
  chunk_rows_back<T, false, false>(p, first_line, shared);
  chunk_rows_back<T, true, true>(p, first_line, shared);
}

}  // namespace scan
}  // namespace inpaint
