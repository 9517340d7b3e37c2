// y[m, first + n] = alpha * sum_k x[m, k] * w[n, k] (+ bias) (+ residual)          (NT on subgroup matrices; n < WIDTH, rows of y are N long)
// As tile_nt, but tiles of DEPTH k hold operands as Element, which is f16 only where rounding them was asked for, and a subgroup multiplies
// BLOCKS_M x BLOCKS_N matrices of them; sums are f32 and run over k by MATRIX_K, whatever the tile.
// Constants: K, ROW_QUADS = K / 4, N, WIDTH, TILE_M, TILE_N, DEPTH, PAD, ACROSS (subgroups side by side), BLOCKS_M, BLOCKS_N (matrices of a subgroup), MATRIX_M, MATRIX_N, MATRIX_K,
// SUBGROUP, LANES, HAS_BIAS, HAS_RESIDUAL.
enable subgroups;
struct Params { rows: u32, alpha: f32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

// #part element
const LEFT_STRIDE = DEPTH + PAD;
const RIGHT_STRIDE = DEPTH + PAD;
var<workgroup> left_tile: array<Element, TILE_M * LEFT_STRIDE>;
var<workgroup> right_tile: array<Element, TILE_N * RIGHT_STRIDE>;
/// One matrix of each subgroup, on its way out.
var<workgroup> sums: array<f32, LANES / SUBGROUP * MATRIX_M * MATRIX_N>;
// #part matrix

fn put_left(at: u32, value: vec4f) {
  let quad = ElementQuad(value);
  for (var i = 0u; i < 4u; i++) { left_tile[at + i] = quad[i]; }
}
fn put_right(at: u32, value: vec4f) {
  let quad = ElementQuad(value);
  for (var i = 0u; i < 4u; i++) { right_tile[at + i] = quad[i]; }
}

fn store(row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= WIDTH) { return; }
  let column = params.first + n;
  var out = value * params.alpha;
  if (HAS_BIAS == 1u) { out += bias[column]; }
  if (HAS_RESIDUAL == 1u) { out += residual[row * N + column]; }
  y[row * N + column] = out;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let row0 = (group.y + group.z * 32768u) * TILE_M;
  if (row0 >= params.rows) { return; }
  let column0 = group.x * TILE_N;
  let own_row = subgroup / ACROSS * BLOCKS_M * MATRIX_M;
  let own_column = subgroup % ACROSS * BLOCKS_N * MATRIX_N;
  // #repeat i BLOCKS_M
  // #repeat j BLOCKS_N
  var s{i}_{j} = Sum();
  // #end
  // #end
  for (var quad0 = 0u; quad0 < ROW_QUADS; quad0 += DEPTH / 4u) {
    for (var i = lane; i < TILE_M * DEPTH / 4u; i += LANES) {
      let row = row0 + i / (DEPTH / 4u);
      let quad = i % (DEPTH / 4u);
      var value = vec4f();
      if (row < params.rows && quad0 + quad < ROW_QUADS) { value = x[row * ROW_QUADS + quad0 + quad]; }
      put_left(i / (DEPTH / 4u) * LEFT_STRIDE + quad * 4u, value);
    }
    for (var i = lane; i < TILE_N * DEPTH / 4u; i += LANES) {
      let n = column0 + i / (DEPTH / 4u);
      let quad = i % (DEPTH / 4u);
      var value = vec4f();
      if (n < WIDTH && quad0 + quad < ROW_QUADS) { value = weight_quad(n, quad0 + quad); }
      put_right(i / (DEPTH / 4u) * RIGHT_STRIDE + quad * 4u, value);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += MATRIX_K) {
      // #repeat j BLOCKS_N
      let b{j} = right_by_columns((own_column + {j}u * MATRIX_N) * RIGHT_STRIDE + k);
      // #end
      // #repeat i BLOCKS_M
      {
        let a = left_by_rows((own_row + {i}u * MATRIX_M) * LEFT_STRIDE + k);
        // #repeat j BLOCKS_N
        s{i}_{j} = multiply_add(a, b{j}, s{i}_{j});
        // #end
      }
      // #end
    }
    workgroupBarrier();
  }
  let own = subgroup * MATRIX_M * MATRIX_N;
  // #repeat i BLOCKS_M
  // #repeat j BLOCKS_N
  keep(own, s{i}_{j});
  workgroupBarrier();
  for (var e = peer; e < MATRIX_M * MATRIX_N; e += SUBGROUP) {
    store(row0 + own_row + {i}u * MATRIX_M + e / MATRIX_N, column0 + own_column + {j}u * MATRIX_N + e % MATRIX_N, sums[own + e]);
  }
  workgroupBarrier();
  // #end
  // #end
}
