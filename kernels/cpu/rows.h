// Moving values between memory and vectors. Included inside a namespace, see kernels.inc.

// Columns of state that are carried from row to row at once. Whole rows of memory are touched in
// order, and two directions' state still fits into the first-level cache.
constexpr int64_t kStateColumns = 1024;

// How far from the row at hand the row lies that is asked for meanwhile, in elements. Hardware
// follows rows that run down the image well, and those that run up it badly.
template <class T>
int64_t elements_ahead(int64_t width) {
  constexpr int64_t kBytes = 4096;
  return (1 + kBytes / (width * static_cast<int64_t>(sizeof(T)))) * width;
}

template <class V, class T>
V load_some(const T* from, int64_t count) {
  T buffer[V::kLanes] = {};
  memcpy(buffer, from, static_cast<size_t>(count) * sizeof(T));
  return V::load(buffer);
}

template <class V, class T>
void store_some(T* to, V a, int64_t count) {
  T buffer[V::kLanes];
  V::store(buffer, a);
  memcpy(to, buffer, static_cast<size_t>(count) * sizeof(T));
}

template <class V, class T>
void narrow_all(const float* from, void* to, int64_t count) {
  T* values = static_cast<T*>(to);
  int64_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) V::store(values + i, V::load(from + i));
  if (i < count) store_some(values + i, load_some<V>(from + i, count - i), count - i);
}

// A block of kRows rows of an image, read and written as squares: kLanes columns of kLanes rows,
// whose vectors, once transposed, hold one column each. An image's last block may have fewer rows;
// its last row then stands in for those that are missing, and is never written in their place.
template <class V, class T>
struct RowBlock {
  static constexpr int kRows = V::kLanes * V::kGroups;

  T* first;
  int64_t stride;
  int64_t count;

  RowBlock(T* image, int64_t width, int64_t row, int64_t row_end)
      : first(image + row * width),
        stride(width),
        count(row_end - row < kRows ? row_end - row : kRows) {}

  bool full() const { return count == kRows; }
  T* row(int64_t i) const { return first + (i < count ? i : count - 1) * stride; }
};

// Columns [col, col + kLanes) of one group of a full block, transposed.
template <class V, class T>
void load_square(const RowBlock<V, T>& block, int group, int64_t col, V (&square)[V::kLanes]) {
  const T* from = block.first + group * V::kLanes * block.stride + col;
  for (int i = 0; i < V::kLanes; ++i, from += block.stride) square[i] = V::load(from);
  V::transpose(square);
}

// Asks for the same square `ahead` elements further on, which hardware does not foresee: it follows
// few of so many rows at once. Harmless past the image's end.
template <class V, class T>
void prefetch_square(const RowBlock<V, T>& block, int group, int64_t col, int64_t ahead) {
  const T* from = block.first + group * V::kLanes * block.stride + col + ahead;
  for (int i = 0; i < V::kLanes; ++i, from += block.stride) __builtin_prefetch(from, 0, 2);
}

// A square of a block that may have fewer rows, where `count` columns are left in the image.
template <class V, class T>
void load_square_edge(const RowBlock<V, T>& block, int group, int64_t col, int64_t count,
                      V (&square)[V::kLanes]) {
  for (int i = 0; i < V::kLanes; ++i) {
    square[i] = load_some<V>(block.row(group * V::kLanes + i) + col, count);
  }
  V::transpose(square);
}
