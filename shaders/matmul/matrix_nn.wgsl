// y[m, n] = alpha * sum_{k < span} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)          (NN on subgroup matrices)
// It computes what tile_nn does, with the tiles of matrix_product. Params: product_params. Constants: ACCUMULATE and those of matrix_product.
// x: [M, K], w: [span, N], y: [M, N].
enable subgroups;
// #include "product_params"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const LEFT_STRIDE = DEPTH + PAD;
const RIGHT_STRIDE = TILE_N + PAD;
const LEFT_SIZE = TILE_M * LEFT_STRIDE;
const RIGHT_SIZE = DEPTH * RIGHT_STRIDE;
// #include "matrix_product"

fn has_rows(row0: u32) -> bool { return row0 < params.rows; }
fn extent() -> u32 { return params.span; }
fn left_matrix(row: u32, k: u32) -> Left { return left_by_rows(row * LEFT_STRIDE + k); }
fn right_matrix(k: u32, column: u32) -> Right { return right_by_rows(k * RIGHT_STRIDE + column); }

fn load_left(lane: u32, row0: u32, k0: u32) {
  for (var i = lane; i < TILE_M * DEPTH / 4u; i += LANES) {
    let row = row0 + i / (DEPTH / 4u);
    let quad = i % (DEPTH / 4u);
    var value = vec4f();
    if (row < params.rows && k0 + quad * 4u < params.span) { value = x[(row * params.inner + params.first + k0) / 4u + quad]; }
    put_left(i / (DEPTH / 4u) * LEFT_STRIDE + quad * 4u, value);
  }
}
fn load_right(lane: u32, column0: u32, k0: u32) {
  for (var i = lane; i < DEPTH * TILE_N / 4u; i += LANES) {
    let k = k0 + i / (TILE_N / 4u);
    let quad = i % (TILE_N / 4u);
    var value = vec4f();
    if (k < params.span && column0 / 4u + quad < params.quads) { value = weight_quad(k * params.quads + column0 / 4u + quad); }
    put_right(i / (TILE_N / 4u) * RIGHT_STRIDE + quad * 4u, value);
  }
}

fn store(row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= params.quads * 4u) { return; }
  let at = row * params.quads * 4u + n;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}
