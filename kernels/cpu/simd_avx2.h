// AVX2 with FMA and F16C. Included inside a namespace, see kernels.inc; the members are described
// in simd_portable.h.

struct VecAvx2 {
  using Scalar = float;
  static constexpr int kLanes = 8;
  static constexpr int kGroups = 1;

  __m256 v;

  static VecAvx2 set(float value) { return {_mm256_set1_ps(value)}; }

  static VecAvx2 load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static VecAvx2 load(const Half* from) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
  }
  static VecAvx2 load(const Bfloat* from) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
  }

  static __m128i to_half(VecAvx2 a) {
    return _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static __m128i to_bfloat(VecAvx2 a) {
    const __m256i bits = _mm256_castps_si256(a.v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  }

  static void store(float* to, VecAvx2 a) { _mm256_storeu_ps(to, a.v); }
  static void store(Half* to, VecAvx2 a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), to_half(a));
  }
  static void store(Bfloat* to, VecAvx2 a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), to_bfloat(a));
  }

  static void stream(float* to, VecAvx2 a) { _mm256_stream_ps(to, a.v); }
  static void stream(Half* to, VecAvx2 a) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), to_half(a));
  }
  static void stream(Bfloat* to, VecAvx2 a) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), to_bfloat(a));
  }
  template <class T>
  static void stream_line(T* to, const T* line) {
    const __m256i* from = reinterpret_cast<const __m256i*>(line);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), _mm256_load_si256(from));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to) + 1, _mm256_load_si256(from + 1));
  }
  static void fence() { _mm_sfence(); }

  static VecAvx2 add(VecAvx2 a, VecAvx2 b) { return {_mm256_add_ps(a.v, b.v)}; }
  static VecAvx2 mul(VecAvx2 a, VecAvx2 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static VecAvx2 fma(VecAvx2 a, VecAvx2 b, VecAvx2 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

  // maxps gives its second operand when either is NaN: the order of operands keeps NaN.
  static VecAvx2 relu(VecAvx2 a) { return {_mm256_max_ps(_mm256_setzero_ps(), a.v)}; }

  static VecAvx2 select_active(VecAvx2 h, VecAvx2 a) {
    return {_mm256_and_ps(_mm256_cmp_ps(h.v, _mm256_setzero_ps(), _CMP_NLE_UQ), a.v)};
  }

  static void transpose(VecAvx2 (&r)[kLanes]) {
    __m256 pair[8];
    for (int i = 0; i < 8; i += 2) {
      pair[i] = _mm256_unpacklo_ps(r[i].v, r[i + 1].v);
      pair[i + 1] = _mm256_unpackhi_ps(r[i].v, r[i + 1].v);
    }
    __m256 quad[8];  // columns 0, 1, 2, 3 (and 4, 5, 6, 7 in the high half) of four rows
    for (int i = 0; i < 8; i += 4) {
      quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
      quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
      quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
      quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      r[i].v = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20);
      r[i + 4].v = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31);
    }
  }
};
