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

// Sets grad_x where the direction is the first to get there, adds to it where it is not.
template <class V, class T, bool End, bool Set>
void back_row(const T* out, const T* grad_out, typename V::Scalar* grad_x, V weight, Band<V>& band,
              int64_t count, int64_t ahead) {
  int64_t j = 0;
  for (; j + V::kLanes <= count; j += V::kLanes) {
    __builtin_prefetch(out + j + ahead);
    __builtin_prefetch(grad_out + j + ahead);
    const V next = step_back(weight, V::load(out + j), V::load(grad_out + j),
                             V::load(band.next + j), End, &band.sums[j / V::kLanes]);
    V::store(band.next + j, next);
    V::store(grad_x + j, Set ? next : V::add(V::load(grad_x + j), next));
  }
  if (j < count) {
    const int64_t left = count - j;
    const V next = step_back(weight, load_some<V>(out + j, left), load_some<V>(grad_out + j, left),
                             V::load(band.next + j), End, &band.sums[j / V::kLanes]);
    V::store(band.next + j, next);
    const V sum = Set ? next : V::add(load_some<V>(grad_x + j, left), next);
    store_some(grad_x + j, sum, left);
  }
}

// One direction of a band of columns; rows are walked from `row` by `by`.
template <class V, class T, bool Set>
void back_band(const BackwardTask& task, Direction direction, int64_t col, int64_t count,
               int64_t row, int64_t by) {
  using S = typename V::Scalar;
  const T* out = static_cast<const T*>(task.out[direction]);
  const T* grad_out = static_cast<const T*>(task.grad_out[direction]);
  S* grad_x = static_cast<S*>(task.grad_x);
  const V weight = V::set(static_cast<S>(task.weight[direction]));
  const int64_t ahead = by * elements_ahead<T>(task.part.width);
  Band<V> band;
  int64_t at = row * task.part.width + col;
  back_row<V, T, true, Set>(out + at, grad_out + at, grad_x + at, weight, band, count, ahead);
  for (int64_t i = 1; i < task.part.height; ++i) {
    at += by * task.part.width;
    back_row<V, T, false, Set>(out + at, grad_out + at, grad_x + at, weight, band, count, ahead);
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
    back_band<V, T, true>(task, kDown, col, count, part.height - 1, -1);
    back_band<V, T, false>(task, kUp, col, count, 0, 1);
  }
}

// --- right and left -----------------------------------------------------------------------------

// One direction of one group of kLanes rows, where its walk stands.
template <class V>
struct BackLine {
  V weight, next;
  Sums<V> sums;
};

// Walks `count` columns of transposed squares and leaves dpre in `grad`.
template <class V, bool ToLeft>
void back_square(BackLine<V>& line, const V (&h)[V::kLanes], V (&grad)[V::kLanes], int64_t count,
                 bool end) {
  for (int64_t k = 0; k < count; ++k) {
    const int64_t j = ToLeft ? count - 1 - k : k;
    line.next = step_back(line.weight, h[j], grad[j], line.next, end && k == 0, &line.sums);
    grad[j] = line.next;
  }
}

// A square of a full block.
template <class V, class T, bool ToLeft>
void back_columns(const RowBlock<V, const T>& out, const RowBlock<V, const T>& grad_out,
                  const RowBlock<V, typename V::Scalar>& grad_x, int group, int64_t col, bool end,
                  BackLine<V>& line) {
  V h[V::kLanes], grad[V::kLanes];
  load_square(out, group, col, h);
  load_square(grad_out, group, col, grad);
  prefetch_below(out, group, col);
  prefetch_below(grad_out, group, col);
  back_square<V, ToLeft>(line, h, grad, V::kLanes, end);
  V::transpose(grad);
  typename V::Scalar* to = grad_x.first + group * V::kLanes * grad_x.stride + col;
  for (int i = 0; i < V::kLanes; ++i, to += grad_x.stride) {
    V::store(to, V::add(V::load(to), grad[i]));
  }
}

// A square of a block that may have fewer rows, where `count` columns are left in the image.
template <class V, class T, bool ToLeft>
void back_columns_edge(const RowBlock<V, const T>& out, const RowBlock<V, const T>& grad_out,
                       const RowBlock<V, typename V::Scalar>& grad_x, int group, int64_t col,
                       int64_t count, bool end, BackLine<V>& line) {
  V h[V::kLanes], grad[V::kLanes];
  load_square_edge(out, group, col, count, h);
  load_square_edge(grad_out, group, col, count, grad);
  back_square<V, ToLeft>(line, h, grad, count, end);
  V::transpose(grad);
  for (int i = 0; i < V::kLanes; ++i) {
    const int64_t row = group * V::kLanes + i;
    if (row >= grad_x.count) return;
    typename V::Scalar* to = grad_x.row(row) + col;
    store_some(to, V::add(load_some<V>(to, count), grad[i]), count);
  }
}

// One direction of a block of rows. Forward walks right when this walks left.
template <class V, class T, bool ToLeft>
void back_rows(const BackwardTask& task, int64_t row) {
  using S = typename V::Scalar;
  constexpr Direction kDirection = ToLeft ? kRight : kLeft;
  const int64_t width = task.part.width;
  const int64_t row_end = task.part.row_end;
  const RowBlock<V, const T> out(static_cast<const T*>(task.out[kDirection]), width, row, row_end);
  const RowBlock<V, const T> grad_out(static_cast<const T*>(task.grad_out[kDirection]), width, row,
                                      row_end);
  const RowBlock<V, S> grad_x(static_cast<S*>(task.grad_x), width, row, row_end);
  const int64_t squares = (width + V::kLanes - 1) / V::kLanes;

  for (int g = 0; g < V::kGroups && g * V::kLanes < out.count; ++g) {
    BackLine<V> line;
    line.weight = V::set(static_cast<S>(task.weight[kDirection]));
    line.next = V::set(0);
    for (int64_t s = 0; s < squares; ++s) {
      const int64_t col = (ToLeft ? squares - 1 - s : s) * V::kLanes;
      const int64_t left = width - col;
      if (left >= V::kLanes && out.full()) {
        back_columns<V, T, ToLeft>(out, grad_out, grad_x, g, col, s == 0, line);
      } else {
        back_columns_edge<V, T, ToLeft>(out, grad_out, grad_x, g, col,
                                        left < V::kLanes ? left : V::kLanes, s == 0, line);
      }
    }
    const int64_t lanes = out.count - g * V::kLanes;
    flush(line.sums, task, kDirection, lanes < V::kLanes ? lanes : V::kLanes);
  }
}

template <class V, class T>
void back_horizontal(const BackwardTask& task) {
  const Part& part = task.part;
  for (int64_t row = part.row_begin; row < part.row_end; row += RowBlock<V, T>::kRows) {
    back_rows<V, T, true>(task, row);
    back_rows<V, T, false>(task, row);
  }
}

template <class V, class T>
void backward(const BackwardTask& task) {
  back_vertical<V, T>(task);
  back_horizontal<V, T>(task);
}
