// Vector loads and stores, and their unpacking to fp32.
//
// X goes through the read-only path, and its copies to shared memory are asynchronous from sm_80 on
// (cuda_pipeline.h copies synchronously below that). The output is stored as "streaming": nothing
// here reads it again, and it should leave the L2 cache before X does, which four directions read.
#pragma once

#include <cstdint>

#include "../common/dtype.h"

#if defined(__CUDACC__)
#include <cuda_pipeline.h>
#endif

namespace inpaint {
namespace scan {

template <int kBytes>
struct alignas(kBytes) Packet {
  std::uint32_t word[kBytes / 4];
};

template <>
struct alignas(2) Packet<2> {
  std::uint16_t half;
};

__device__ __forceinline__ Packet<2> load_global(const void* from, Packet<2>) {
  return {__ldg(static_cast<const unsigned short*>(from))};
}

__device__ __forceinline__ Packet<4> load_global(const void* from, Packet<4>) {
  return {{__ldg(static_cast<const unsigned int*>(from))}};
}

__device__ __forceinline__ Packet<8> load_global(const void* from, Packet<8>) {
  const uint2 v = __ldg(static_cast<const uint2*>(from));
  return {{v.x, v.y}};
}

template <int kBytes>
__device__ __forceinline__ Packet<kBytes> load_global(const void* from) {
  return load_global(from, Packet<kBytes>());
}

__device__ __forceinline__ void store_global(void* to, const Packet<2>& packet) {
  __stcs(static_cast<unsigned short*>(to), packet.half);
}

__device__ __forceinline__ void store_global(void* to, const Packet<4>& packet) {
  __stcs(static_cast<unsigned int*>(to), packet.word[0]);
}

__device__ __forceinline__ void store_global(void* to, const Packet<8>& packet) {
  __stcs(static_cast<uint2*>(to), make_uint2(packet.word[0], packet.word[1]));
}

__device__ __forceinline__ void store_global(void* to, const Packet<16>& packet) {
  __stcs(static_cast<uint4*>(to),
         make_uint4(packet.word[0], packet.word[1], packet.word[2], packet.word[3]));
}

template <int kBytes>
__device__ __forceinline__ Packet<kBytes> load_shared(const void* from) {
  return *static_cast<const Packet<kBytes>*>(from);
}

template <>
__device__ __forceinline__ Packet<16> load_shared<16>(const void* from) {
  const uint4 v = *static_cast<const uint4*>(from);
  return {{v.x, v.y, v.z, v.w}};
}

__device__ __forceinline__ void store_shared(void* to, const Packet<16>& packet) {
  *static_cast<uint4*>(to) =
      make_uint4(packet.word[0], packet.word[1], packet.word[2], packet.word[3]);
}

// Starts a copy from global to shared memory; it has arrived after the wait_for_copies that covers
// the commit_copies which follows it. Two bytes are too few for the asynchronous copy.
template <int kBytes>
__device__ __forceinline__ void copy_to_shared(void* shared, const void* global) {
  if constexpr (kBytes == 2) {
    *static_cast<unsigned short*>(shared) = __ldg(static_cast<const unsigned short*>(global));
  } else {
    __pipeline_memcpy_async(shared, global, kBytes);
  }
}

__device__ __forceinline__ void commit_copies() { __pipeline_commit(); }

// Waits until at most kStillFlying of this thread's newest commits are unfinished.
template <int kStillFlying>
__device__ __forceinline__ void wait_for_copies() {
  __pipeline_wait_prior(kStillFlying);
}

// Makes the compiler read the packet anew. Where one is unpacked twice, it would keep the fp32
// values in between, which take twice the registers of 16-bit ones.
template <int kBytes>
__device__ __forceinline__ void forget_values(Packet<kBytes>& packet) {
#if defined(__CUDA_ARCH__)
  if constexpr (kBytes == 2) {
    asm volatile("" : "+h"(packet.half));
  } else {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) asm volatile("" : "+r"(packet.word[i]));
  }
#else
  (void)packet;
#endif
}

// The same for an offset that an unrolled loop counts up: the compiler would compute all of its
// values at once, and keep them for the next loop that uses them.
__device__ __forceinline__ void forget_offset(std::int64_t& offset) {
#if defined(__CUDA_ARCH__)
  asm volatile("" : "+l"(offset));
#else
  (void)offset;
#endif
}

template <class T, int kBytes>
__device__ __forceinline__ void unpack(const Packet<kBytes>& packet, float* values) {
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) values[i] = float_from_bits(packet.word[i]);
  } else if constexpr (kBytes == 2) {
    values[0] = to_float(T{packet.half});
  } else {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) {
      unpack_pair<T>(packet.word[i], values[2 * i], values[2 * i + 1]);
    }
  }
}

template <class T, int kBytes>
__device__ __forceinline__ Packet<kBytes> pack(const float* values) {
  Packet<kBytes> packet;
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) packet.word[i] = float_bits(values[i]);
  } else if constexpr (kBytes == 2) {
    packet.half = from_float<T>(values[0]).bits;
  } else {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) {
      packet.word[i] = pack_pair<T>(values[2 * i], values[2 * i + 1]);
    }
  }
  return packet;
}

}  // namespace scan
}  // namespace inpaint
