// NEON on aarch64. Included inside a namespace, see kernels.inc; the members are described in
// simd_portable.h.

struct VecNeon {
  using Scalar = float;
  static constexpr int kLanes = 4;
  static constexpr int kGroups = 4;  // one vector's chain of steps would leave the units idle

  float32x4_t v;

  static VecNeon set(float value) { return {vdupq_n_f32(value)}; }

  static VecNeon load(const float* from) { return {vld1q_f32(from)}; }
  static VecNeon load(const Half* from) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&from->bits)))};
  }
  static VecNeon load(const Bfloat* from) {
    return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&from->bits), 16))};
  }

  static void store(float* to, VecNeon a) { vst1q_f32(to, a.v); }
  static void store(Half* to, VecNeon a) {
    vst1_u16(&to->bits, vreinterpret_u16_f16(vcvt_f16_f32(a.v)));
  }
  static void store(Bfloat* to, VecNeon a) {
    const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    const uint32x4_t is_number = vceqq_f32(a.v, a.v);
    vst1_u16(&to->bits, vshrn_n_u32(vbslq_u32(is_number, rounded, quiet), 16));
  }

  template <class T>
  static void stream(T* to, VecNeon a) {
    store(to, a);  // cores detect streams of whole lines by themselves
  }
  template <class T>
  static void stream_line(T* to, const T* line) {
    memcpy(to, line, kLineBytes);
  }

  static void fence() {}

  static VecNeon add(VecNeon a, VecNeon b) { return {vaddq_f32(a.v, b.v)}; }
  static VecNeon mul(VecNeon a, VecNeon b) { return {vmulq_f32(a.v, b.v)}; }
  static VecNeon fma(VecNeon a, VecNeon b, VecNeon c) { return {vfmaq_f32(c.v, a.v, b.v)}; }

  static VecNeon relu(VecNeon a) { return {vmaxq_f32(a.v, vdupq_n_f32(0))}; }  // keeps NaN

  static VecNeon select_active(VecNeon h, VecNeon a) {
    const uint32x4_t inactive = vcleq_f32(h.v, vdupq_n_f32(0));  // false for NaN
    return {vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a.v), inactive))};
  }

  static void transpose(VecNeon (&r)[kLanes]) {
    const float64x2_t even01 = vreinterpretq_f64_f32(vtrn1q_f32(r[0].v, r[1].v));
    const float64x2_t odd01 = vreinterpretq_f64_f32(vtrn2q_f32(r[0].v, r[1].v));
    const float64x2_t even23 = vreinterpretq_f64_f32(vtrn1q_f32(r[2].v, r[3].v));
    const float64x2_t odd23 = vreinterpretq_f64_f32(vtrn2q_f32(r[2].v, r[3].v));
    r[0].v = vreinterpretq_f32_f64(vtrn1q_f64(even01, even23));
    r[1].v = vreinterpretq_f32_f64(vtrn1q_f64(odd01, odd23));
    r[2].v = vreinterpretq_f32_f64(vtrn2q_f64(even01, even23));
    r[3].v = vreinterpretq_f32_f64(vtrn2q_f64(odd01, odd23));
  }
};
