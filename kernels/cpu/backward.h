// The backward pass. Included inside a namespace, see kernels.inc.
//
// With g the gradient with respect to h, a line is walked from its end to its start:
//
//     dh[i] = g[i] + w * dpre[i+1]          dpre[i] = dh[i] where relu is active, else 0
//     dx[i] += dpre[i]      dw += dpre[i+1] * h[i]      db += dpre[i+1]
//
// The start of a line has neither weight nor bias: dpre[0] counts towards dx alone.
//
// What takes time is fetching `out` and `grad_out`, so the plane is walked in blocks of whole rows,
// while whose values the next block, which lies next to it in memory, is fetched. The walk down the
// plane takes the up, right and left directions of a block together, so that its part of dx stays
// in the first-level cache; the walk back takes the down direction.

// Rows of a block; a multiple of the rows that a horizontal walk takes at once.
constexpr int64_t kBlockRows = 16;

// Sums of one direction over some steps, lane by lane.
template <class V>
struct Sums {
  V weight = V::set(0);
  V bias = V::set(0);
};

// Sums of one direction over a task. In double: fp32 sums over a whole plane would lose digits.
template <class V>
struct Totals {
  double weight[V::kLanes] = {};
  double bias[V::kLanes] = {};

  // Lanes from `lanes` on are left out.
  void add(const Sums<V>& sums, int64_t lanes = V::kLanes) {
    typename V::Scalar weights[V::kLanes], biases[V::kLanes];
    V::store(weights, sums.weight);
    V::store(biases, sums.bias);
    for (int64_t i = 0; i < lanes; ++i) weight[i] += weights[i];
    for (int64_t i = 0; i < lanes; ++i) bias[i] += biases[i];
  }

  void add_to(const BackwardTask& task, Direction direction) const {
    for (const double value : weight) task.grad_weight[direction] += value;
    for (const double value : bias) task.grad_bias[direction] += value;
  }
};

// One step of the walk: returns dpre[i], given dpre[i+1].
template <class V>
V step_back(V weight, V h, V grad, V next, Sums<V>* sums) {
  sums->weight = V::fma(next, h, sums->weight);
  sums->bias = V::add(sums->bias, next);
  return V::select_active(h, V::fma(weight, next, grad));
}

// --- up and down --------------------------------------------------------------------------------

// One direction of a block of rows.
template <class V, class T>
struct BlockWalk {
  using S = typename V::Scalar;

  const T* out;  // the row that is walked first; the others likewise
  const T* grad_out;
  S* grad_x;
  S* state;       // dpre of the row before, a value a column
  int64_t rows;   // how many
  int64_t by;     // elements from a row to the one that is walked next
  int64_t ahead;  // elements to what is fetched meanwhile
  bool end;       // the first row is the end of its lines
  V weight;
  Totals<V>* totals;
};

// A block's columns from `col` on, some vectors of them, or `count` of a vector's where Part.
// Sets grad_x where the direction is the first to get there, adds to it where it is not.
template <class V, class T, int kVectors, bool Set, bool Part>
void back_columns(const BlockWalk<V, T>& walk, int64_t col, int64_t count, Sums<V> (&sums)[2]) {
  using S = typename V::Scalar;
  const auto load = [count](const auto* from) {
    return Part ? load_some<V>(from, count) : V::load(from);
  };
  const auto store = [count](S* to, V value) {
    Part ? store_some(to, value, count) : V::store(to, value);
  };
  const T* out = walk.out + col;
  const T* grad_out = walk.grad_out + col;
  S* grad_x = walk.grad_x + col;
  V next[kVectors];
  int64_t row = 0;
  if (walk.end) {
    for (int k = 0; k < kVectors; ++k) {
      const int64_t j = k * V::kLanes;
      next[k] = V::select_active(load(out + j), load(grad_out + j));
      store(grad_x + j, Set ? next[k] : V::add(load(grad_x + j), next[k]));
    }
    row = 1;
  } else {
    for (int k = 0; k < kVectors; ++k) next[k] = load(walk.state + col + k * V::kLanes);
  }
  for (; row < walk.rows; ++row) {
    const int64_t at = row * walk.by;
    for (int k = 0; k < kVectors; ++k) {
      const int64_t j = at + k * V::kLanes;
      __builtin_prefetch(out + j + walk.ahead, 0, 2);
      __builtin_prefetch(grad_out + j + walk.ahead, 0, 2);
      next[k] = step_back(walk.weight, load(out + j), load(grad_out + j), next[k], &sums[k % 2]);
      store(grad_x + j, Set ? next[k] : V::add(load(grad_x + j), next[k]));
    }
  }
  for (int k = 0; k < kVectors; ++k) store(walk.state + col + k * V::kLanes, next[k]);
}

// Columns [col, col_end) of a block.
template <class V, class T, bool Set>
void back_block(const BlockWalk<V, T>& walk, int64_t col, int64_t col_end) {
  constexpr int kVectors = 4;
  Sums<V> sums[2];  // by turns: one would be a chain of dependent additions
  for (; col + kVectors * V::kLanes <= col_end; col += kVectors * V::kLanes) {
    back_columns<V, T, kVectors, Set, false>(walk, col, 0, sums);
  }
  for (; col + V::kLanes <= col_end; col += V::kLanes) {
    back_columns<V, T, 1, Set, false>(walk, col, 0, sums);
  }
  if (col < col_end) back_columns<V, T, 1, Set, true>(walk, col, col_end - col, sums);
  for (const Sums<V>& some : sums) walk.totals->add(some);
}

// --- right and left -----------------------------------------------------------------------------

// One direction of one group of kLanes rows, where its walk stands.
template <class V>
struct BackLine {
  V weight, next;
  Sums<V> sums;
};

// Walks `count` columns of transposed squares and leaves dpre in `grad`.
template <class V, bool ToLeft, bool End>
void back_square(BackLine<V>& line, const V (&h)[V::kLanes], V (&grad)[V::kLanes], int64_t count) {
  const V weight = line.weight;
  V next = line.next;
  Sums<V> sums = line.sums;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t j = ToLeft ? count - 1 - k : k;
    next = grad[j] = End && k == 0 ? V::select_active(h[j], grad[j])
                                   : step_back(weight, h[j], grad[j], next, &sums);
  }
  line.next = next;
  line.sums = sums;
}

// One direction of a block of rows, and where its values are. Forward walks right when this walks
// left.
template <class V, class T, bool ToLeft>
struct RowWalk {
  using S = typename V::Scalar;
  static constexpr Direction kDirection = ToLeft ? kRight : kLeft;

  RowBlock<V, const T> out, grad_out;
  RowBlock<V, S> grad_x;
  BackLine<V> line;
  int64_t ahead;

  RowWalk(const BackwardTask& task, int64_t row, int64_t row_end, int64_t fetch)
      : out(static_cast<const T*>(task.out[kDirection]), task.part.width, row, row_end),
        grad_out(static_cast<const T*>(task.grad_out[kDirection]), task.part.width, row, row_end),
        grad_x(static_cast<S*>(task.grad_x), task.part.width, row, row_end),
        ahead(fetch) {
    line.weight = V::set(static_cast<S>(task.weight[kDirection]));
  }

  void start() {
    line.next = V::set(0);
    line.sums = Sums<V>();
  }

  // The columns of a group's square; `count` of them are left in the image. End: where lines end.
  template <bool End>
  void square(int group, int64_t col, int64_t count) {
    if (count >= V::kLanes && out.full()) {
      whole<End>(group, col);
    } else {
      edge<End>(group, col, count < V::kLanes ? count : V::kLanes);
    }
  }

  template <bool End>
  void whole(int group, int64_t col) {
    V h[V::kLanes], grad[V::kLanes];
    load_square(out, group, col, h);
    load_square(grad_out, group, col, grad);
    prefetch_square(out, group, col, ahead);
    prefetch_square(grad_out, group, col, ahead);
    back_square<V, ToLeft, End>(line, h, grad, V::kLanes);
    V::transpose(grad);
    S* to = grad_x.first + group * V::kLanes * grad_x.stride + col;
    for (int i = 0; i < V::kLanes; ++i, to += grad_x.stride) {
      V::store(to, V::add(V::load(to), grad[i]));
    }
  }

  template <bool End>
  void edge(int group, int64_t col, int64_t count) {
    V h[V::kLanes], grad[V::kLanes];
    load_square_edge(out, group, col, count, h);
    load_square_edge(grad_out, group, col, count, grad);
    back_square<V, ToLeft, End>(line, h, grad, count);
    V::transpose(grad);
    for (int i = 0; i < V::kLanes; ++i) {
      const int64_t row = group * V::kLanes + i;
      if (row >= grad_x.count) return;
      S* to = grad_x.row(row) + col;
      store_some(to, V::add(load_some<V>(to, count), grad[i]), count);
    }
  }
};

// Both directions of rows, transposed in registers.
template <class V, class T>
class SquaresBack {
 public:
  explicit SquaresBack(const BackwardTask& task) : task_(task) {}

  // Rows [row, row + rows); those `ahead` elements further on are fetched meanwhile.
  void walk(int64_t row, int64_t rows, int64_t ahead, Totals<V>* totals) const {
    const int64_t row_end = row + rows;
    const int64_t width = task_.part.width;
    const int64_t squares = (width + V::kLanes - 1) / V::kLanes;
    for (; row < row_end; row += RowBlock<V, T>::kRows) {
      RowWalk<V, T, true> to_left(task_, row, row_end, ahead);
      RowWalk<V, T, false> to_right(task_, row, row_end, ahead);
      for (int g = 0; g < V::kGroups && g * V::kLanes < to_left.out.count; ++g) {
        to_left.start();
        to_right.start();
        // Side by side: two chains of dependent steps keep the units busier than one.
        for (int64_t s = 0; s < squares; ++s) {
          const int64_t col = s * V::kLanes;
          const int64_t back = (squares - 1 - s) * V::kLanes;
          if (s == 0) {
            to_left.template square<true>(g, back, width - back);
            to_right.template square<true>(g, col, width - col);
          } else {
            to_left.template square<false>(g, back, width - back);
            to_right.template square<false>(g, col, width - col);
          }
        }
        const int64_t left = to_left.out.count - g * V::kLanes;
        const int64_t lanes = left < V::kLanes ? left : V::kLanes;
        totals[kRight].add(to_left.line.sums, lanes);
        totals[kLeft].add(to_right.line.sums, lanes);
      }
    }
  }

 private:
  const BackwardTask& task_;
};

// How an instruction set walks right and left.
template <class V, class T>
class RowsBack : public SquaresBack<V, T> {
 public:
  using SquaresBack<V, T>::SquaresBack;
};

// --- a task -------------------------------------------------------------------------------------

template <class V, class T>
void backward(const BackwardTask& task) {
  using S = typename V::Scalar;
  const Part& part = task.part;
  const int64_t width = part.width;
  const bool columns = part.col_begin < part.col_end;
  const int64_t begin = columns ? 0 : part.row_begin;
  const int64_t end = columns ? part.height : part.row_end;
  const RowsBack<V, T> rows_back(task);
  Totals<V> totals[kDirections];

  // `rows` rows of one direction, walked from `row` by `by` rows.
  const auto walk = [&](Direction direction, int64_t row, int64_t by, int64_t rows, bool last) {
    const int64_t at = row * width;
    return BlockWalk<V, T>{static_cast<const T*>(task.out[direction]) + at,
                           static_cast<const T*>(task.grad_out[direction]) + at,
                           static_cast<S*>(task.grad_x) + at,
                           static_cast<S*>(task.state),
                           rows,
                           by * width,
                           last ? 0 : by * kBlockRows * width,
                           row == (by > 0 ? 0 : part.height - 1),
                           V::set(static_cast<S>(task.weight[direction])),
                           &totals[direction]};
  };
  for (int64_t row = begin; row < end; row += kBlockRows) {
    const int64_t rows = end - row < kBlockRows ? end - row : kBlockRows;
    const bool last = row + rows == end;
    if (columns) {
      back_block<V, T, true>(walk(kUp, row, 1, rows, last), part.col_begin, part.col_end);
    }
    if (part.row_begin < part.row_end) {
      rows_back.walk(row, rows, last ? 0 : kBlockRows * width, totals);
    }
  }
  if (columns) {
    for (int64_t row_end = end; row_end > begin; row_end -= kBlockRows) {
      const int64_t rows = row_end - begin < kBlockRows ? row_end - begin : kBlockRows;
      back_block<V, T, false>(walk(kDown, row_end - 1, -1, rows, row_end - rows == begin),
                              part.col_begin, part.col_end);
    }
  }
  for (int d = 0; d < kDirections; ++d) totals[d].add_to(task, static_cast<Direction>(d));
}
