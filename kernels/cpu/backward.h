// The backward pass. Included inside a namespace, see kernels.inc.
//
// With g the gradient with respect to h, a line is walked from its end to its start:
//
//     dh[i] = g[i] + w * dpre[i+1]          dpre[i] = dh[i] where relu is active, else 0
//     dx[i] += dpre[i]      dw += dpre[i+1] * h[i]      db += dpre[i+1]
//
// The start of a line has neither weight nor bias: dpre[0] counts towards dx alone.

// Sums of one direction, kept per lane so that their order does not depend on anything else.
template <class V>
struct Sums {
  V weight, bias;
  Sums() : weight(V::set(0)), bias(V::set(0)) {}
};

template <class V>
double sum_lanes(V v, int64_t count) {
  typename V::Scalar lanes[V::kLanes];
  V::store(lanes, v);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += lanes[i];
  return sum;
}

// Adds two vectors of sums to a task's, in double: fp32 sums over a whole plane would lose digits.
template <class V>
void flush(const Sums<V>& sums, const BackwardTask& task, Direction direction, int64_t lanes) {
  task.grad_weight[direction] += sum_lanes(sums.weight, lanes);
  task.grad_bias[direction] += sum_lanes(sums.bias, lanes);
}

// One step of the walk: returns dpre[i], given dpre[i+1]. At a line's end there is none.
template <class V>
V step_back(V weight, V h, V grad, V next, bool end, Sums<V>* sums) {
  if (end) return V::select_active(h, grad);
  sums->weight = V::fma(next, h, sums->weight);
  sums->bias = V::add(sums->bias, next);
  return V::select_active(h, V::fma(weight, next, grad));
}

// --- up and down --------------------------------------------------------------------------------

// State of a band of columns, kept from row to row as in the forward pass.
template <class V>
struct Band {
  static constexpr int64_t kColumns = kStateColumns / 2;  // there are three numbers a column

  alignas(kLineBytes) typename V::Scalar next[kColumns];
  Sums<V> sums[kColumns / V::kLanes];
};

template <class V, class T, bool End>
void back_row(const T* out, const T* grad_out, typename V::Scalar* grad_x, V weight, Band<V>& band,
              int64_t count) {
  int64_t j = 0;
  for (; j + V::kLanes <= count; j += V::kLanes) {
    const V next = step_back(weight, V::load(out + j), V::load(grad_out + j),
                             V::load(band.next + j), End, &band.sums[j / V::kLanes]);
    V::store(band.next + j, next);
    V::store(grad_x + j, V::add(V::load(grad_x + j), next));
  }
  if (j < count) {
    const int64_t left = count - j;
    const V next = step_back(weight, load_some<V>(out + j, left), load_some<V>(grad_out + j, left),
                             V::load(band.next + j), End, &band.sums[j / V::kLanes]);
    V::store(band.next + j, next);
    store_some(grad_x + j, V::add(load_some<V>(grad_x + j, left), next), left);
  }
}

// One direction of a band of columns; rows are walked from `row` by `by`.
template <class V, class T>
void back_band(const BackwardTask& task, Direction direction, int64_t col, int64_t count,
               int64_t row, int64_t by) {
  using S = typename V::Scalar;
  const T* out = static_cast<const T*>(task.out[direction]);
  const T* grad_out = static_cast<const T*>(task.grad_out[direction]);
  S* grad_x = static_cast<S*>(task.grad_x);
  const V weight = V::set(static_cast<S>(task.weight[direction]));
  Band<V> band;
  int64_t at = row * task.part.width + col;
  back_row<V, T, true>(out + at, grad_out + at, grad_x + at, weight, band, count);
  for (int64_t i = 1; i < task.part.height; ++i) {
    at += by * task.part.width;
    back_row<V, T, false>(out + at, grad_out + at, grad_x + at, weight, band, count);
  }
  for (int64_t j = 0; j < count; j += V::kLanes) {
    const int64_t left = count - j;
    flush(band.sums[j / V::kLanes], task, direction, left < V::kLanes ? left : V::kLanes);
  }
}

template <class V, class T>
void back_vertical(const BackwardTask& task) {
  const Part& part = task.part;
  for (int64_t col = part.col_begin; col < part.col_end; col += Band<V>::kColumns) {
    const int64_t left = part.col_end - col;
    const int64_t count = left < Band<V>::kColumns ? left : Band<V>::kColumns;
    back_band<V, T>(task, kDown, col, count, part.height - 1, -1);
    back_band<V, T>(task, kUp, col, count, 0, 1);
  }
}

// --- right and left -----------------------------------------------------------------------------

// One group of kLanes rows. Forward walks right when `direction` is kRight, so this walks left.
template <class V, class T>
void back_horizontal_rows(const BackwardTask& task, Direction direction, int64_t row,
                          int64_t row_end) {
  using S = typename V::Scalar;
  constexpr int64_t kLanes = V::kLanes;
  const int64_t width = task.part.width;
  const bool to_left = direction == kRight;
  const RowBlock<V, const T> out(static_cast<const T*>(task.out[direction]), width, row, row_end);
  const RowBlock<V, const T> grad_out(static_cast<const T*>(task.grad_out[direction]), width, row,
                                      row_end);
  const RowBlock<V, S> grad_x(static_cast<S*>(task.grad_x), width, row, row_end);
  const V weight = V::set(static_cast<S>(task.weight[direction]));
  const int64_t squares = (width + kLanes - 1) / kLanes;

  for (int g = 0; g < V::kGroups; ++g) {
    const int64_t rows_left = grad_x.count - g * kLanes;
    if (rows_left <= 0) return;
    const int64_t lanes = rows_left < kLanes ? rows_left : kLanes;
    V next = V::set(0);
    Sums<V> sums;
    for (int64_t s = 0; s < squares; ++s) {
      const int64_t col = (to_left ? squares - 1 - s : s) * kLanes;
      const int64_t count = width - col < kLanes ? width - col : kLanes;
      V h[V::kLanes], grad[V::kLanes];
      if (count == kLanes && out.full()) {
        load_square(out, g, col, h);
        load_square(grad_out, g, col, grad);
        prefetch_below(out, g, col);
        prefetch_below(grad_out, g, col);
      } else {
        load_square_edge(out, g, col, count, h);
        load_square_edge(grad_out, g, col, count, grad);
      }
      for (int64_t k = 0; k < count; ++k) {
        const int64_t j = to_left ? count - 1 - k : k;
        next = step_back(weight, h[j], grad[j], next, s == 0 && k == 0, &sums);
        grad[j] = next;
      }
      V::transpose(grad);
      for (int64_t i = 0; i < lanes; ++i) {
        S* to = grad_x.row(g * kLanes + i) + col;
        if (count == kLanes) {
          V::store(to, V::add(V::load(to), grad[i]));
        } else {
          store_some(to, V::add(load_some<V>(to, count), grad[i]), count);
        }
      }
    }
    flush(sums, task, direction, lanes);
  }
}

template <class V, class T>
void back_horizontal(const BackwardTask& task) {
  const Part& part = task.part;
  for (int64_t row = part.row_begin; row < part.row_end; row += RowBlock<V, T>::kRows) {
    back_horizontal_rows<V, T>(task, kRight, row, part.row_end);
    back_horizontal_rows<V, T>(task, kLeft, row, part.row_end);
  }
}

template <class V, class T>
void backward(const BackwardTask& task) {
  back_vertical<V, T>(task);
  back_horizontal<V, T>(task);
}
