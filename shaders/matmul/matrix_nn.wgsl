// y[m, n] = alpha * sum_{k < SPAN} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)          (NN on subgroup matrices)
// As tile_nn, with tiles and matrices as in matrix_nt.
// Constants: K, SPAN, N, ROW_QUADS = N / 4, TILE_M, TILE_N, DEPTH, PAD, ACROSS (subgroups side by side), BLOCKS_M, BLOCKS_N (matrices of a subgroup), MATRIX_M, MATRIX_N, MATRIX_K,
// SUBGROUP, LANES, ACCUMULATE.
enable subgroups;
struct Params { rows: u32, alpha: f32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// #part element
const LEFT_STRIDE = DEPTH + PAD;
const RIGHT_STRIDE = TILE_N + PAD;
var<workgroup> left_tile: array<Element, TILE_M * LEFT_STRIDE>;
var<workgroup> right_tile: array<Element, DEPTH * RIGHT_STRIDE>;
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
  if (row >= params.rows || n >= N) { return; }
  let at = row * N + n;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
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
  for (var k0 = 0u; k0 < SPAN; k0 += DEPTH) {
    for (var i = lane; i < TILE_M * DEPTH / 4u; i += LANES) {
      let row = row0 + i / (DEPTH / 4u);
      let quad = i % (DEPTH / 4u);
      var value = vec4f();
      if (row < params.rows && k0 + quad * 4u < SPAN) { value = x[(row * K + params.first + k0) / 4u + quad]; }
      put_left(i / (DEPTH / 4u) * LEFT_STRIDE + quad * 4u, value);
    }
    for (var i = lane; i < DEPTH * TILE_N / 4u; i += LANES) {
      let k = k0 + i / (TILE_N / 4u);
      let quad = i % (TILE_N / 4u);
      var value = vec4f();
      if (k < SPAN && column0 / 4u + quad < ROW_QUADS) { value = weight_quad(k, column0 / 4u + quad); }
      put_right(i / (TILE_N / 4u) * RIGHT_STRIDE + quad * 4u, value);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += MATRIX_K) {
      // #repeat j BLOCKS_N
      let b{j} = right_by_rows(k * RIGHT_STRIDE + own_column + {j}u * MATRIX_N);
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
