// y[n, k] = alpha * sum_{m < live} a[m, n] * b[m, k] (added onto y when ACCUMULATE)          (TN on subgroup matrices)
// As tile_tn, with tiles and matrices as in matrix_nt. The sum over rows stops at counts[LIVE].
// Constants: N, K, TILE_M, TILE_N, DEPTH, PAD, ACROSS (subgroups side by side), BLOCKS_M, BLOCKS_N (matrices of a subgroup), MATRIX_M, MATRIX_N, MATRIX_K,
// SUBGROUP, LANES, LIVE, ACCUMULATE.
enable subgroups;
struct Params { alpha: f32 }
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// #part element
const LEFT_STRIDE = TILE_M + PAD;
const RIGHT_STRIDE = TILE_N + PAD;
var<workgroup> left_tile: array<Element, DEPTH * LEFT_STRIDE>;
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

fn store(n: u32, k: u32, value: f32) {
  if (n >= N || k >= K) { return; }
  let at = n * K + k;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let row0 = group.y * TILE_M;
  let column0 = group.x * TILE_N;
  let live = counts[LIVE];
  let own_row = subgroup / ACROSS * BLOCKS_M * MATRIX_M;
  let own_column = subgroup % ACROSS * BLOCKS_N * MATRIX_N;
  // #repeat i BLOCKS_M
  // #repeat j BLOCKS_N
  var s{i}_{j} = Sum();
  // #end
  // #end
  for (var m0 = 0u; m0 < live; m0 += DEPTH) {
    for (var i = lane; i < DEPTH * TILE_M / 4u; i += LANES) {
      let m = m0 + i / (TILE_M / 4u);
      let quad = row0 / 4u + i % (TILE_M / 4u);
      var value = vec4f();
      if (m < live && quad < N / 4u) { value = a[m * (N / 4u) + quad]; }
      put_left(i / (TILE_M / 4u) * LEFT_STRIDE + i % (TILE_M / 4u) * 4u, value);
    }
    for (var i = lane; i < DEPTH * TILE_N / 4u; i += LANES) {
      let m = m0 + i / (TILE_N / 4u);
      let quad = column0 / 4u + i % (TILE_N / 4u);
      var value = vec4f();
      if (m < live && quad < K / 4u) { value = b[m * (K / 4u) + quad]; }
      put_right(i / (TILE_N / 4u) * RIGHT_STRIDE + i % (TILE_N / 4u) * 4u, value);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += MATRIX_K) {
      // #repeat j BLOCKS_N
      let b{j} = right_by_rows(k * RIGHT_STRIDE + own_column + {j}u * MATRIX_N);
      // #end
      // #repeat i BLOCKS_M
      {
        let left = left_by_columns(k * LEFT_STRIDE + own_row + {i}u * MATRIX_M);
        // #repeat j BLOCKS_N
        s{i}_{j} = multiply_add(left, b{j}, s{i}_{j});
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
