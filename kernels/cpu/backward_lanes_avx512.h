// Right and left of the backward pass for AVX-512, without transposing. Included inside a
// namespace, see kernels.inc.
//
// A vector holds 16 neighbouring columns of one row. Fetching takes longer than arithmetic here,
// and row after row arrives sooner than 16 rows side by side. Within a vector the walk is a scan in
// four steps. With m[i] whether relu is active in lane i, and lanes numbered against the walk,
//
//     v[i] = g[i] where m[i], else 0
//     v[i] += w^s v[i + s]    for s = 1, 2, 4, 8, where lanes i to i + s - 1 are all active
//     v[i] += w^(16 - i) next                        where lanes i to 15 are all active
//
// Lanes are masked, not multiplied by 0, so that NaN and infinity pass where the walk passes them.

// Where a step of 16 columns could overflow though the walk does not, rows are walked in squares.
constexpr double kSteepest = 16;

// A power of the weight is not 0 where the weight is not: infinity times it has to stay infinity.
inline float power_of_weight(double weight, int exponent) {
  double power = 1;
  for (int i = 0; i < exponent; ++i) power *= weight < 0 ? -weight : weight;
  constexpr double kSmallest = 1.17549435e-38;
  if (weight != 0 && power < kSmallest) power = kSmallest;
  return static_cast<float>(weight < 0 && exponent % 2 != 0 ? -power : power);
}

// One direction of a plane. Forward walks right when this walks left.
template <class T, bool ToLeft>
class LaneWalk {
 public:
  using V = VecAvx512;
  static constexpr Direction kDirection = ToLeft ? kRight : kLeft;

  explicit LaneWalk(const BackwardTask& task)
      : out_(static_cast<const T*>(task.out[kDirection])),
        grad_out_(static_cast<const T*>(task.grad_out[kDirection])),
        grad_x_(static_cast<float*>(task.grad_x)),
        width_(task.part.width) {
    const double weight = task.weight[kDirection];
    possible_ = weight >= -kSteepest && weight <= kSteepest;  // not NaN either
    for (int k = 0; k < 4; ++k) step_[k] = V::set(power_of_weight(weight, 1 << k));
    float powers[V::kLanes];
    for (int i = 0; i < V::kLanes; ++i) {
      powers[i] = power_of_weight(weight, ToLeft ? V::kLanes - i : i + 1);
    }
    carry_ = V::load(powers);
  }

  bool possible() const { return possible_; }

  void walk(int64_t row, int64_t rows, int64_t ahead, Totals<V>* totals) const {
    Sums<V> sums;
    for (int64_t i = 0; i < rows; ++i) walk_row((row + i) * width_, ahead, &sums);
    totals[kDirection].add(sums);
  }

 private:
  // The row that begins at element `first`.
  void walk_row(int64_t first, int64_t ahead, Sums<V>* sums) const {
    const int64_t tail = width_ % V::kLanes;
    const int64_t whole = width_ - tail;
    V next = V::set(0);
    if (ToLeft) {
      int64_t col = tail > 0 ? whole : whole - V::kLanes;
      next = edge(first + col, tail > 0 ? tail : V::kLanes, true, next, sums);
      for (col -= V::kLanes; col >= 0; col -= V::kLanes) {
        next = columns(first + col, ahead, next, sums);
      }
    } else {
      next = edge(first, whole > 0 ? V::kLanes : tail, true, next, sums);
      for (int64_t col = V::kLanes; col < whole; col += V::kLanes) {
        next = columns(first + col, ahead, next, sums);
      }
      if (whole > 0 && tail > 0) edge(first + whole, tail, false, next, sums);
    }
  }

  // Lane i of the result is lane i + kBy against the walk, where there is one, and `past` beyond.
  template <int kBy>
  static V shift(V v, V past) {
    const __m512i values = _mm512_castps_si512(v.v), others = _mm512_castps_si512(past.v);
    return {_mm512_castsi512_ps(ToLeft ? _mm512_alignr_epi32(others, values, kBy)
                                       : _mm512_alignr_epi32(values, others, V::kLanes - kBy))};
  }

  // The lanes that stay active together with the `by` lanes that were walked before them. Bits
  // beyond the vector's end are set.
  static uint32_t together(uint32_t active, int by) {
    return ToLeft ? active & static_cast<uint32_t>(static_cast<int32_t>(active) >> by)
                  : active & (active << by | ((1u << by) - 1));
  }
  static uint32_t widened(__mmask16 active) {
    return ToLeft ? active | 0xffff0000u : uint32_t{active} << 16 | 0xffffu;
  }
  static __mmask16 narrowed(uint32_t active) {
    return static_cast<__mmask16>(ToLeft ? active : active >> 16);
  }

  static V add_scaled(V to, V values, V scale, __mmask16 lanes) {
    return {_mm512_mask3_fmadd_ps(values.v, scale.v, to.v, lanes)};
  }

  // dpre of 16 columns, given that of the column walked before them in every lane.
  V scan(V h, V grad, V next) const {
    const __mmask16 lanes = _mm512_cmp_ps_mask(h.v, _mm512_setzero_ps(), _CMP_NLE_UQ);
    const V zero = V::set(0);
    uint32_t active = widened(lanes);
    V v = {_mm512_maskz_mov_ps(lanes, grad.v)};
    v = add_scaled(v, shift<1>(v, zero), step_[0], lanes);
    active = together(active, 1);
    v = add_scaled(v, shift<2>(v, zero), step_[1], narrowed(active));
    active = together(active, 2);
    v = add_scaled(v, shift<4>(v, zero), step_[2], narrowed(active));
    active = together(active, 4);
    v = add_scaled(v, shift<8>(v, zero), step_[3], narrowed(active));
    active = together(active, 8);
    return add_scaled(v, next, carry_, narrowed(active));
  }

  static V last_lane(V v) {
    if (ToLeft) return {_mm512_broadcastss_ps(_mm512_castps512_ps128(v.v))};
    return {_mm512_permutexvar_ps(_mm512_set1_epi32(V::kLanes - 1), v.v)};
  }

  // 16 columns from element `at` on. Returns the dpre that was reached last, in every lane.
  V columns(int64_t at, int64_t ahead, V next, Sums<V>* sums) const {
    __builtin_prefetch(out_ + at + ahead);
    __builtin_prefetch(grad_out_ + at + ahead);
    const V h = V::load(out_ + at);
    const V v = scan(h, V::load(grad_out_ + at), next);
    const V before = shift<1>(v, next);
    sums->weight = V::fma(before, h, sums->weight);
    sums->bias = V::add(sums->bias, before);
    V::store(grad_x_ + at, V::add(V::load(grad_x_ + at), v));
    return last_lane(v);
  }

  // The same where lines end, or where only `count` columns are left in the image.
  V edge(int64_t at, int64_t count, bool end, V next, Sums<V>* sums) const {
    uint32_t pairs = (1u << count) - 1;  // lanes whose value another column leads to
    if (end) pairs = ToLeft ? pairs >> 1 : pairs & ~1u;
    const __mmask16 lanes = static_cast<__mmask16>(pairs);
    const V h = load_some<V>(out_ + at, count);
    const V v = scan(h, load_some<V>(grad_out_ + at, count), next);
    const V before = {_mm512_maskz_mov_ps(lanes, shift<1>(v, next).v)};
    const V reached = {_mm512_maskz_mov_ps(lanes, h.v)};
    sums->weight = V::fma(before, reached, sums->weight);
    sums->bias = V::add(sums->bias, before);
    store_some(grad_x_ + at, V::add(load_some<V>(grad_x_ + at, count), v), count);
    return last_lane(v);
  }

  const T* out_;
  const T* grad_out_;
  float* grad_x_;
  int64_t width_;
  bool possible_;
  V step_[4];  // the weight to the power of 1, 2, 4 and 8
  V carry_;    // to the power of each lane's distance from what was walked before
};

template <class T>
class RowsBack<VecAvx512, T> {
 public:
  explicit RowsBack(const BackwardTask& task) : squares_(task), to_left_(task), to_right_(task) {}

  void walk(int64_t row, int64_t rows, int64_t ahead, Totals<VecAvx512>* totals) const {
    if (!to_left_.possible() || !to_right_.possible()) {
      squares_.walk(row, rows, ahead, totals);
      return;
    }
    to_left_.walk(row, rows, ahead, totals);
    to_right_.walk(row, rows, ahead, totals);
  }

 private:
  SquaresBack<VecAvx512, T> squares_;
  LaneWalk<T, true> to_left_;
  LaneWalk<T, false> to_right_;
};
