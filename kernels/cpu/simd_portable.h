// 128-bit vectors by GCC's and Clang's vector extension: what every machine runs, and the only ones
// for fp64. Included inside a namespace, see kernels.inc. A vector type has
//
//   kLanes                  values in a vector
//   kGroups                 vectors of rows that a horizontal scan carries side by side
//   load, store, stream     kLanes values of a storage type, converted; streams go around the
//   caches stream_line             a cache line of stored values fence                   makes
//   streamed values visible to other threads relu, select_active     NaN counts as active in both
//   transpose               kLanes vectors, in place

template <class S>
struct VecPortable {
  using Scalar = S;
  static constexpr int kLanes = 16 / static_cast<int>(sizeof(S));
  static constexpr int kGroups = 4;  // one vector's chain of steps would leave the units idle

  typedef S Register __attribute__((vector_size(16)));

  Register v;

  static VecPortable set(S value) { return {Register{} + value}; }

  static VecPortable load(const S* from) {
    VecPortable r;
    memcpy(&r.v, from, sizeof r.v);
    return r;
  }

  template <class T>
  static VecPortable load(const T* from) {
    VecPortable r;
    for (int i = 0; i < kLanes; ++i) r.v[i] = widen(from[i]);
    return r;
  }

  static void store(S* to, VecPortable a) { memcpy(to, &a.v, sizeof a.v); }

  template <class T>
  static void store(T* to, VecPortable a) {
    for (int i = 0; i < kLanes; ++i) narrow(a.v[i], to + i);
  }

  template <class T>
  static void stream(T* to, VecPortable a) {
    store(to, a);
  }

  template <class T>
  static void stream_line(T* to, const T* line) {
    memcpy(to, line, kLineBytes);
  }

  static void fence() {}

  static VecPortable add(VecPortable a, VecPortable b) { return {a.v + b.v}; }
  static VecPortable mul(VecPortable a, VecPortable b) { return {a.v * b.v}; }
  static VecPortable fma(VecPortable a, VecPortable b, VecPortable c) { return {a.v * b.v + c.v}; }

  static VecPortable relu(VecPortable a) { return {a.v < Register{} ? Register{} : a.v}; }

  // `a` where relu's value h lets a gradient through, else 0.
  static VecPortable select_active(VecPortable h, VecPortable a) {
    return {h.v <= Register{} ? Register{} : a.v};
  }

  static void transpose(VecPortable (&r)[kLanes]) {
    for (int i = 0; i < kLanes; ++i) {
      for (int j = 0; j < i; ++j) {
        const S t = r[i].v[j];
        r[i].v[j] = r[j].v[i];
        r[j].v[i] = t;
      }
    }
  }
};
