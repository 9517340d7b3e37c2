// y[n, k] = alpha * sum_{m < counts[count_word]} a[m, n] * b[m, k] (added onto y when ACCUMULATE)          (TN on subgroup matrices)
// It computes what tile_tn does, with the tiles of matrix_product. Params: gradient_params. Constants: ACCUMULATE and those of matrix_product.
// a: [M, N], b: [M, K], y: [N, K].
enable subgroups;
// #include "gradient_params"
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const LEFT_STRIDE = TILE_M + PAD;
const RIGHT_STRIDE = TILE_N + PAD;
const LEFT_SIZE = DEPTH * LEFT_STRIDE;
const RIGHT_SIZE = DEPTH * RIGHT_STRIDE;
// #include "matrix_product"

fn has_rows(row0: u32) -> bool { return row0 < params.n; }
fn extent() -> u32 { return counts[params.count_word]; }
fn left_matrix(row: u32, k: u32) -> Left { return left_by_columns(k * LEFT_STRIDE + row); }
fn right_matrix(k: u32, column: u32) -> Right { return right_by_rows(k * RIGHT_STRIDE + column); }

fn load_left(lane: u32, row0: u32, m0: u32) {
  for (var i = lane; i < DEPTH * TILE_M / 4u; i += LANES) {
    let m = m0 + i / (TILE_M / 4u);
    let quad = row0 / 4u + i % (TILE_M / 4u);
    var value = vec4f();
    if (m < extent() && quad < params.n / 4u) { value = a[m * (params.n / 4u) + quad]; }
    put_left(i / (TILE_M / 4u) * LEFT_STRIDE + i % (TILE_M / 4u) * 4u, value);
  }
}
fn load_right(lane: u32, column0: u32, m0: u32) {
  for (var i = lane; i < DEPTH * TILE_N / 4u; i += LANES) {
    let m = m0 + i / (TILE_N / 4u);
    let quad = column0 / 4u + i % (TILE_N / 4u);
    var value = vec4f();
    if (m < extent() && quad < params.k / 4u) { value = b[m * (params.k / 4u) + quad]; }
    put_right(i / (TILE_N / 4u) * RIGHT_STRIDE + i % (TILE_N / 4u) * 4u, value);
  }
}

fn store(n: u32, k: u32, value: f32) {
  if (n >= params.n || k >= params.k) { return; }
  let at = n * params.k + k;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}
