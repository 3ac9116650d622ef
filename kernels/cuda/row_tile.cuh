// A tile of 32 rows by 128 bytes in shared memory, owned by one warp. Memory sees whole 128-byte
// pieces of rows, copied by neighbouring lanes; the scan sees one row a lane.
//
// A row of the tile covers all 32 banks once. If lane r read piece j of row r, all lanes would meet
// in the same banks; so piece j of row r lies at position j ^ (r % 8), and the eight lanes that one
// 16-byte access serves at a time touch eight different positions, by row and by column alike.
#pragma once

#include "../common/clamp_map.h"
#include "../common/indexing.h"
#include "../common/step.h"
#include "memory.cuh"

namespace inpaint {
namespace scan {

constexpr unsigned kFullWarp = 0xffffffffu;
constexpr int kWarp = 32;

// kCopyBytes: how much one lane copies to or from global memory at a time; rows of X and Y must
// begin at multiples of it.
template <class T, int kCopyBytes>
struct RowTile {
  static constexpr int kRows = kWarp;
  static constexpr int kRowBytes = 128;
  static constexpr int kBytes = kRows * kRowBytes;
  static constexpr int kColumns = kRowBytes / static_cast<int>(sizeof(T));

  static constexpr int kPieceBytes = 16;
  static constexpr int kPieces = kRowBytes / kPieceBytes;
  static constexpr int kPieceColumns = kPieceBytes / static_cast<int>(sizeof(T));

  static constexpr int kCopies = kRowBytes / kCopyBytes;  // a row's, and a lane's
  static constexpr int kCopyColumns = kCopyBytes / static_cast<int>(sizeof(T));
  static constexpr int kBatch = 8;
  static_assert(kCopies % kBatch == 0, "copies come in whole batches");

  __device__ static __forceinline__ int offset(int row, int byte) {
    return row * kRowBytes + (((byte / kPieceBytes) ^ (row % 8)) * kPieceBytes) +
           byte % kPieceBytes;
  }

  // Starts copying columns [column, column + kColumns) of `rows` consecutive rows of x. What lies
  // past the line's end or the last row is left alone.
  __device__ static __forceinline__ void load(unsigned char* tile, const T* x, int rows, int column,
                                              int width, int lane) {
#pragma unroll kBatch
    for (int i = 0; i < kCopies; ++i) {
      const int row = (i * kWarp + lane) / kCopies;
      const int piece = (i * kWarp + lane) % kCopies;
      const int from = column + piece * kCopyColumns;
      if (row < rows && from < width) {
        copy_to_shared<kCopyBytes>(tile + offset(row, piece * kCopyBytes),
                                   x + static_cast<std::int64_t>(row) * width + from);
      }
    }
  }

  // Writes the tile to y. line_offset is where the line of the row with this lane's number begins.
  __device__ static __forceinline__ void store(const unsigned char* tile, T* y,
                                               std::int64_t line_offset, int rows, int column,
                                               int width, int lane) {
    // A batch is read before it is written, so that the reads of shared memory overlap.
#pragma unroll 1
    for (int first = 0; first < kCopies; first += kBatch) {
      Packet<kCopyBytes> packet[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int copy = (first + i) * kWarp + lane;
        packet[i] =
            load_shared<kCopyBytes>(tile + offset(copy / kCopies, copy % kCopies * kCopyBytes));
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int copy = (first + i) * kWarp + lane;
        const int row = copy / kCopies;
        const int to = column + copy % kCopies * kCopyColumns;
        const std::int64_t line = __shfl_sync(kFullWarp, line_offset, row);
        if (row < rows && to < width) store_global(y + line + to, packet[i]);
      }
    }
  }

  // Takes the tile's steps along one row, in scan order, and leaves the states in place of x when
  // kWrite is set. State is LineState or ClampMap.
  template <bool kReverse, bool kWrite, class State>
  __device__ static __forceinline__ void advance(unsigned char* tile, int row, int column,
                                                 int width, float w, float b, State& state) {
    const int first = kReverse ? width - 1 : 0;
#pragma unroll 2
    for (int k = 0; k < kPieces; ++k) {
      const int piece = kReverse ? kPieces - 1 - k : k;
      const int from = column + piece * kPieceColumns;
      if (from >= width) continue;
      unsigned char* at = tile + offset(row, piece * kPieceBytes);
      float value[kPieceColumns];
      unpack<T, kPieceBytes>(load_shared<kPieceBytes>(at), value);
      // Only the pieces at the line's two ends need a look at each element.
      const bool plain =
          kReverse ? from + kPieceColumns < width : from > 0 && from + kPieceColumns <= width;
      if (plain) {
#pragma unroll
        for (int j = 0; j < kPieceColumns; ++j) {
          float& v = value[kReverse ? kPieceColumns - 1 - j : j];
          state.step(w, b + v);
          if constexpr (kWrite) v = state.h;
        }
      } else {
#pragma unroll
        for (int j = 0; j < kPieceColumns; ++j) {
          const int at_column = kReverse ? kPieceColumns - 1 - j : j;
          float& v = value[at_column];
          if (from + at_column < width) {
            if (from + at_column == first) {
              state.begin(v);
            } else {
              state.step(w, b + v);
            }
          }
          if constexpr (kWrite) v = state.h;
        }
      }
      if constexpr (kWrite) store_shared(at, pack<T, kPieceBytes>(value));
    }
  }
};

}  // namespace scan
}  // namespace inpaint
