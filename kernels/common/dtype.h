// Storage types of the scan. All arithmetic is fp32; these types only say how a value lies in
// memory. The host conversions are plain C++ (round to nearest even, NaN kept quiet), so nothing
// here needs a CUDA header unless nvcc compiles it.
#pragma once

#include <cstdint>
#include <cstring>

#include "host_device.h"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace inpaint {
namespace scan {

struct Half {
  std::uint16_t bits;
};

struct BFloat16 {
  std::uint16_t bits;
};

INPAINT_HD std::uint32_t float_bits(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
#endif
}

INPAINT_HD float float_from_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
#endif
}

INPAINT_HD float to_float(float value) { return value; }

INPAINT_HD float to_float(BFloat16 value) {
  return float_from_bits(static_cast<std::uint32_t>(value.bits) << 16);
}

INPAINT_HD float to_float(Half value) {
#if defined(__CUDA_ARCH__)
  return __half2float(__ushort_as_half(value.bits));
#else
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (value.bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = value.bits & 0x3ffu;
  if (exponent == 0x1fu) return float_from_bits(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return float_from_bits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  // A subnormal half is mantissa * 2^-24, which fp32 holds exactly.
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-08f;
  return float_from_bits(sign | float_bits(magnitude));
#endif
}

template <class T>
INPAINT_HD T from_float(float value);

template <>
INPAINT_HD float from_float<float>(float value) {
  return value;
}

template <>
INPAINT_HD Half from_float<Half>(float value) {
#if defined(__CUDA_ARCH__)
  return Half{__half_as_ushort(__float2half_rn(value))};
#else
  const std::uint32_t bits = float_bits(value);
  const std::uint16_t sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return Half{static_cast<std::uint16_t>(sign | 0x7e00u)};
  // 65520 is the first value that rounds to infinity.
  if (magnitude >= 0x477ff000u) return Half{static_cast<std::uint16_t>(sign | 0x7c00u)};
  if (magnitude >= 0x38800000u) {
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    return Half{static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
  }
  // Subnormal: adding 0.5 puts the half's last bit at fp32's last bit, so the FPU does the
  // rounding.
  const float shifted = float_from_bits(magnitude) + 0.5f;
  return Half{static_cast<std::uint16_t>(sign | (float_bits(shifted) - 0x3f000000u))};
#endif
}

template <>
INPAINT_HD BFloat16 from_float<BFloat16>(float value) {
#if defined(__CUDA_ARCH__)
  return BFloat16{__bfloat16_as_ushort(__float2bfloat16_rn(value))};
#else
  const std::uint32_t bits = float_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return BFloat16{static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  }
  return BFloat16{static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
#endif
}

// Two 16-bit values in one 32-bit word, the first in the low half, as they lie in memory. The GPU
// converts a pair in one instruction.
template <class T>
INPAINT_HD void unpack_pair(std::uint32_t word, float& first, float& second) {
  first = to_float(T{static_cast<std::uint16_t>(word & 0xffffu)});
  second = to_float(T{static_cast<std::uint16_t>(word >> 16)});
}

template <class T>
INPAINT_HD std::uint32_t pack_pair(float first, float second) {
  return static_cast<std::uint32_t>(from_float<T>(first).bits) |
         (static_cast<std::uint32_t>(from_float<T>(second).bits) << 16);
}

#if defined(__CUDA_ARCH__)
template <>
INPAINT_HD std::uint32_t pack_pair<Half>(float first, float second) {
  const __half2 pair = __floats2half2_rn(first, second);
  return static_cast<std::uint32_t>(__half_as_ushort(__low2half(pair))) |
         (static_cast<std::uint32_t>(__half_as_ushort(__high2half(pair))) << 16);
}

template <>
INPAINT_HD std::uint32_t pack_pair<BFloat16>(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  return static_cast<std::uint32_t>(__bfloat16_as_ushort(__low2bfloat16(pair))) |
         (static_cast<std::uint32_t>(__bfloat16_as_ushort(__high2bfloat16(pair))) << 16);
}
#endif

}  // namespace scan
}  // namespace inpaint
