// Between images (uint8, H x W x 3) and the network's tensors (float, 3 x H' x W', RGB, 0 to 1).
// The arithmetic is that of inpaint_sdk/images/tensors.py, so that an image comes out the same
// whichever way it goes. One thread a pixel; the grid covers the padded image.

// The mirrored position of one past the end, as numpy.pad's "symmetric" has it.
__device__ inline int mirrored(int at, int size) {
  int const within = at % (2 * size);
  return within < size ? within : 2 * size - 1 - within;
}

// first: the channel of a pixel that is red, 0 or 2. mask is null for a model that takes no mask.
extern "C" __global__ void to_input(unsigned char const* pixels, unsigned char const* mask,
                                    float* image, float* network_mask, int height, int width,
                                    int padded_height, int padded_width, int first) {
  int const x = blockIdx.x * blockDim.x + threadIdx.x;
  int const y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= padded_width || y >= padded_height) return;
  long long const from = (long long)mirrored(y, height) * width + mirrored(x, width);
  long long const plane = (long long)padded_height * padded_width;
  long long const to = (long long)y * padded_width + x;
  float const unit = 1.0f / 255.0f;
  image[to] = pixels[3 * from + first] * unit;
  image[plane + to] = pixels[3 * from + 1] * unit;
  image[2 * plane + to] = pixels[3 * from + 2 - first] * unit;
  if (network_mask != nullptr) network_mask[to] = mask[from] * unit;
}

__device__ inline unsigned char to_byte(float value, int* broken) {
  if (!isfinite(value)) *broken = 1;
  float const kept = fminf(fmaxf(value, 0.0f), 1.0f);
  return (unsigned char)__float2int_rn(kept * 255.0f);
}

// Where mask is 0 a pixel stays as it came, to the bit; mask is null where all may change. broken
// becomes 1 if any value of the output, changed or not, is a NaN or an infinity.
extern "C" __global__ void to_pixels(float const* output, unsigned char const* pixels,
                                     unsigned char const* mask, unsigned char* result, int* broken,
                                     int height, int width, int padded_height, int padded_width,
                                     int first) {
  int const x = blockIdx.x * blockDim.x + threadIdx.x;
  int const y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  long long const at = (long long)y * width + x;
  long long const plane = (long long)padded_height * padded_width;
  long long const from = (long long)y * padded_width + x;
  unsigned char const red = to_byte(output[from], broken);
  unsigned char const green = to_byte(output[plane + from], broken);
  unsigned char const blue = to_byte(output[2 * plane + from], broken);
  bool const changes = mask == nullptr || mask[at] != 0;
  result[3 * at + first] = changes ? red : pixels[3 * at + first];
  result[3 * at + 1] = changes ? green : pixels[3 * at + 1];
  result[3 * at + 2 - first] = changes ? blue : pixels[3 * at + 2 - first];
}
