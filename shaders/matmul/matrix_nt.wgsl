// y[m, first + n] = alpha * sum_k x[m, k] * w[n, k] (+ bias) (+ residual)          (NT on subgroup matrices; n < width)
// It computes what tile_nt does, with the tiles of matrix_product. Params: linear_params. Constants: HAS_BIAS, HAS_RESIDUAL, HAS_GATE (as in tile_nt) and those of
// matrix_product.
// x: [M, K], w: [width, K], y: [M, N].
enable subgroups;
// #include "linear_params"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const LEFT_STRIDE = DEPTH + PAD;
const RIGHT_STRIDE = DEPTH + PAD;
const LEFT_SIZE = TILE_M * LEFT_STRIDE;
const RIGHT_SIZE = TILE_N * RIGHT_STRIDE;
// #include "matrix_product"

fn has_rows(row0: u32) -> bool { return row0 < params.rows; }
fn extent() -> u32 { return params.quads * 4u; }
fn left_matrix(row: u32, k: u32) -> Left { return left_by_rows(row * LEFT_STRIDE + k); }
fn right_matrix(k: u32, column: u32) -> Right { return right_by_columns(column * RIGHT_STRIDE + k); }

fn load_left(lane: u32, row0: u32, k0: u32) {
  for (var i = lane; i < TILE_M * DEPTH / 4u; i += LANES) {
    let row = row0 + i / (DEPTH / 4u);
    let quad = i % (DEPTH / 4u);
    var value = vec4f();
    if (row < params.rows && k0 / 4u + quad < params.quads) { value = x[row * params.quads + k0 / 4u + quad]; }
    put_left(i / (DEPTH / 4u) * LEFT_STRIDE + quad * 4u, value);
  }
}
fn load_right(lane: u32, column0: u32, k0: u32) {
  for (var i = lane; i < TILE_N * DEPTH / 4u; i += LANES) {
    let n = column0 + i / (DEPTH / 4u);
    let quad = i % (DEPTH / 4u);
    var value = vec4f();
    if (n < params.width && k0 / 4u + quad < params.quads) { value = weight_quad(n * params.quads + k0 / 4u + quad); }
    put_right(i / (DEPTH / 4u) * RIGHT_STRIDE + quad * 4u, value);
  }
}

// #include "linear_epilogue"
fn store(row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= params.width) { return; }
  let at = row * params.columns + params.first + n;
  y[at] = epilogue(value, at, params.first + n);
}
