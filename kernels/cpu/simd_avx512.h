// AVX-512 (F and BW). Included inside a namespace, see kernels.inc; the members are described in
// simd_portable.h.

struct VecAvx512 {
  using Scalar = float;
  static constexpr int kLanes = 16;
  static constexpr int kGroups = 1;

  __m512 v;

  static VecAvx512 set(float value) { return {_mm512_set1_ps(value)}; }

  static VecAvx512 load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static VecAvx512 load(const Half* from) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
  }
  static VecAvx512 load(const Bfloat* from) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
  }

  static __m256i to_half(VecAvx512 a) {
    return _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }

  static __m256i to_bfloat(VecAvx512 a) {
    const __m512i bits = _mm512_castps_si512(a.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    const __m512i kept = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16));
  }

  static void store(float* to, VecAvx512 a) { _mm512_storeu_ps(to, a.v); }
  static void store(Half* to, VecAvx512 a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), to_half(a));
  }
  static void store(Bfloat* to, VecAvx512 a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), to_bfloat(a));
  }

  static void stream(float* to, VecAvx512 a) { _mm512_stream_ps(to, a.v); }
  static void stream(Half* to, VecAvx512 a) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), to_half(a));
  }
  static void stream(Bfloat* to, VecAvx512 a) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), to_bfloat(a));
  }
  template <class T>
  static void stream_line(T* to, const T* line) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_load_si512(line));
  }
  static void fence() { _mm_sfence(); }

  static VecAvx512 add(VecAvx512 a, VecAvx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  static VecAvx512 mul(VecAvx512 a, VecAvx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static VecAvx512 fma(VecAvx512 a, VecAvx512 b, VecAvx512 c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }

  // maxps gives its second operand when either is NaN: the order of operands keeps NaN.
  static VecAvx512 relu(VecAvx512 a) { return {_mm512_max_ps(_mm512_setzero_ps(), a.v)}; }

  static VecAvx512 select_active(VecAvx512 h, VecAvx512 a) {
    const __mmask16 active = _mm512_cmp_ps_mask(h.v, _mm512_setzero_ps(), _CMP_NLE_UQ);
    return {_mm512_maskz_mov_ps(active, a.v)};
  }

  // Inlined, since a call would pass its vectors through memory.
  __attribute__((always_inline)) static inline void transpose(VecAvx512 (&r)[kLanes]) {
    __m512 pair[16];
    for (int i = 0; i < 16; i += 2) {
      pair[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
      pair[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
    }
    __m512 quad[16];  // quad[4 * b + c]: columns c, c + 4, c + 8, c + 12 of rows 4 * b to 4 * b + 3
    for (int i = 0; i < 16; i += 4) {
      quad[i] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0x44);
      quad[i + 1] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0xee);
      quad[i + 2] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
      quad[i + 3] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      // Four 4x4 blocks of 128-bit quarters are left to transpose.
      const __m512 even01 = _mm512_shuffle_f32x4(quad[c], quad[c + 4], 0x88);
      const __m512 odd01 = _mm512_shuffle_f32x4(quad[c], quad[c + 4], 0xdd);
      const __m512 even23 = _mm512_shuffle_f32x4(quad[c + 8], quad[c + 12], 0x88);
      const __m512 odd23 = _mm512_shuffle_f32x4(quad[c + 8], quad[c + 12], 0xdd);
      r[c].v = _mm512_shuffle_f32x4(even01, even23, 0x88);
      r[c + 4].v = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
      r[c + 8].v = _mm512_shuffle_f32x4(even01, even23, 0xdd);
      r[c + 12].v = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    }
  }
};
