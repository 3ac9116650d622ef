// The forward pass. Included inside a namespace, see kernels.inc.

template <class V>
V step(V weight, V h, V bias, V x) {
  return V::relu(V::fma(weight, h, V::add(bias, x)));
}

// --- up and down: a vector holds neighbouring columns -------------------------------------------

// One row of one direction; the row `ahead` of it, in elements, is fetched for later.
template <class V, class T, bool Stream, bool First>
void vertical_row(const T* x, T* out, typename V::Scalar* state, V weight, V bias, int64_t count,
                  int64_t ahead) {
  int64_t j = 0;
  for (; j + V::kLanes <= count; j += V::kLanes) {
    __builtin_prefetch(x + j + ahead);
    const V xs = V::load(x + j);
    const V h = First ? V::relu(xs) : step(weight, V::load(state + j), bias, xs);
    V::store(state + j, h);
    if (Stream) {
      V::stream(out + j, h);
    } else {
      V::store(out + j, h);
    }
  }
  if (j < count) {
    const V xs = load_some<V>(x + j, count - j);
    const V h = First ? V::relu(xs) : step(weight, V::load(state + j), bias, xs);
    V::store(state + j, h);
    store_some(out + j, h, count - j);
  }
}

template <class V, class T, bool Stream>
void scan_vertical(const ForwardTask& task) {
  using S = typename V::Scalar;
  const Part& part = task.part;
  const T* x = static_cast<const T*>(task.x);
  T* down = static_cast<T*>(task.out[kDown]);
  T* up = static_cast<T*>(task.out[kUp]);
  const V weight_down = V::set(static_cast<S>(task.weight[kDown]));
  const V weight_up = V::set(static_cast<S>(task.weight[kUp]));
  const V bias_down = V::set(static_cast<S>(task.bias[kDown]));
  const V bias_up = V::set(static_cast<S>(task.bias[kUp]));
  alignas(kLineBytes) S state_down[kStateColumns];
  alignas(kLineBytes) S state_up[kStateColumns];
  const int64_t ahead = elements_ahead<T>(part.width);

  for (int64_t col = part.col_begin; col < part.col_end; col += kStateColumns) {
    const int64_t left = part.col_end - col;
    const int64_t count = left < kStateColumns ? left : kStateColumns;
    int64_t top = col;
    int64_t bottom = (part.height - 1) * part.width + col;
    vertical_row<V, T, Stream, true>(x + top, down + top, state_down, weight_down, bias_down, count,
                                     ahead);
    vertical_row<V, T, Stream, true>(x + bottom, up + bottom, state_up, weight_up, bias_up, count,
                                     -ahead);
    for (int64_t i = 1; i < part.height; ++i) {
      top += part.width;
      bottom -= part.width;
      vertical_row<V, T, Stream, false>(x + top, down + top, state_down, weight_down, bias_down,
                                        count, ahead);
      vertical_row<V, T, Stream, false>(x + bottom, up + bottom, state_up, weight_up, bias_up,
                                        count, -ahead);
    }
  }
}

// --- right and left: a vector holds one column of neighbouring rows ------------------------------

template <class V>
struct Line {
  V weight, bias;
  V h[V::kGroups];
};

// Scans `count` columns of transposed squares, in place.
template <class V, bool Reverse>
void scan_squares(Line<V>& line, V (&squares)[V::kGroups][V::kLanes], int64_t count, bool first) {
  for (int64_t k = 0; k < count; ++k) {
    const int64_t j = Reverse ? count - 1 - k : k;
    for (int g = 0; g < V::kGroups; ++g) {
      V& x = squares[g][j];
      line.h[g] = first && k == 0 ? V::relu(x) : step(line.weight, line.h[g], line.bias, x);
      x = line.h[g];
    }
  }
}

// Columns of a full block that are written at once. A streamed store of less than a cache line
// gains nothing, so where a vector is narrower, as many squares go together as make a line.
template <class V, class T, bool Stream>
constexpr int64_t kChunkColumns =
    Stream && V::kLanes * sizeof(T) < kLineBytes ? kLineBytes / sizeof(T) : V::kLanes;

// A chunk of columns of a full block.
template <class V, class T, bool Reverse, bool Stream>
void scan_columns(const RowBlock<V, const T>& x, const RowBlock<V, T>& out, int64_t col, bool first,
                  Line<V>& line) {
  constexpr int64_t kColumns = kChunkColumns<V, T, Stream>;
  constexpr int64_t kSquares = kColumns / V::kLanes;
  alignas(kLineBytes) T rows[kSquares > 1 ? RowBlock<V, T>::kRows : 1][kColumns];
  for (int64_t k = 0; k < kSquares; ++k) {
    const int64_t s = (Reverse ? kSquares - 1 - k : k) * V::kLanes;
    V squares[V::kGroups][V::kLanes];
    for (int g = 0; g < V::kGroups; ++g) load_square(x, g, col + s, squares[g]);
    scan_squares<V, Reverse>(line, squares, V::kLanes, first && k == 0);
    T* to = out.first + col;
    for (int g = 0; g < V::kGroups; ++g) {
      V::transpose(squares[g]);
      for (int i = 0; i < V::kLanes; ++i, to += out.stride) {
        if (kSquares > 1) {
          V::store(&rows[g * V::kLanes + i][s], squares[g][i]);
        } else if (Stream) {
          V::stream(to, squares[g][i]);
        } else {
          V::store(to, squares[g][i]);
        }
      }
    }
  }
  if (kSquares > 1) {
    T* to = out.first + col;
    for (const auto& row : rows) {
      V::stream_line(to, row);
      to += out.stride;
    }
  }
}

// One square of a block that may have fewer rows, where `count` columns are left in the image.
template <class V, class T, bool Reverse>
void scan_columns_edge(const RowBlock<V, const T>& x, const RowBlock<V, T>& out, int64_t col,
                       int64_t count, bool first, Line<V>& line) {
  V squares[V::kGroups][V::kLanes];
  for (int g = 0; g < V::kGroups; ++g) load_square_edge(x, g, col, count, squares[g]);
  scan_squares<V, Reverse>(line, squares, count, first);
  for (int g = 0; g < V::kGroups; ++g) {
    V::transpose(squares[g]);
    for (int i = 0; i < V::kLanes; ++i) {
      const int64_t row = g * V::kLanes + i;
      if (row >= out.count) return;
      store_some(out.row(row) + col, squares[g][i], count);
    }
  }
}

// The columns of any block from `col` on, as many as a chunk has.
template <class V, class T, bool Reverse, bool Stream>
void scan_chunk(const RowBlock<V, const T>& x, const RowBlock<V, T>& out, int64_t col, bool first,
                Line<V>& line) {
  constexpr int64_t kColumns = kChunkColumns<V, T, Stream>;
  constexpr int64_t kSquares = kColumns / V::kLanes;
  const int64_t left = x.stride - col;
  if (left >= kColumns && x.full()) {
    return scan_columns<V, T, Reverse, Stream>(x, out, col, first, line);
  }
  for (int64_t k = 0; k < kSquares; ++k) {
    const int64_t s = (Reverse ? kSquares - 1 - k : k) * V::kLanes;
    const int64_t count = left - s < V::kLanes ? left - s : V::kLanes;
    if (count <= 0) continue;
    scan_columns_edge<V, T, Reverse>(x, out, col + s, count, first, line);
    first = false;
  }
}

template <class V>
Line<V> start_line(const ForwardTask& task, Direction direction) {
  using S = typename V::Scalar;
  Line<V> line;
  line.weight = V::set(static_cast<S>(task.weight[direction]));
  line.bias = V::set(static_cast<S>(task.bias[direction]));
  return line;
}

template <class V, class T, bool Stream>
void scan_horizontal(const ForwardTask& task) {
  constexpr int64_t kColumns = kChunkColumns<V, T, Stream>;
  const Part& part = task.part;
  const int64_t chunks = (part.width + kColumns - 1) / kColumns;
  for (int64_t row = part.row_begin; row < part.row_end; row += RowBlock<V, T>::kRows) {
    const RowBlock<V, const T> x(static_cast<const T*>(task.x), part.width, row, part.row_end);
    const RowBlock<V, T> right(static_cast<T*>(task.out[kRight]), part.width, row, part.row_end);
    const RowBlock<V, T> left(static_cast<T*>(task.out[kLeft]), part.width, row, part.row_end);
    Line<V> to_right = start_line<V>(task, kRight);
    Line<V> to_left = start_line<V>(task, kLeft);
    // Both directions side by side: two chains of dependent steps keep the units busier than one.
    for (int64_t s = 0; s < chunks; ++s) {
      const int64_t back = chunks - 1 - s;
      scan_chunk<V, T, false, Stream>(x, right, s * kColumns, s == 0, to_right);
      scan_chunk<V, T, true, Stream>(x, left, back * kColumns, s == 0, to_left);
    }
  }
}

template <class V, class T>
void forward(const ForwardTask& task) {
  if (task.stream) {
    scan_vertical<V, T, true>(task);
    scan_horizontal<V, T, true>(task);
    V::fence();  // before another thread is told that the values are there
  } else {
    scan_vertical<V, T, false>(task);
    scan_horizontal<V, T, false>(task);
  }
}
