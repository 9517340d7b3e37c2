// y[n, k] = alpha * sum_{m < live} a[m, n] * b[m, k] (added onto y when ACCUMULATE)   (TN: dW of a linear layer)
// a: [M, N], b: [M, K]; N and K multiples of 4. The sum over rows stops at counts[LIVE], so tail rows never count. A workgroup computes
// 4 ROW_LANES x 4 COLUMN_LANES from tiles of DEPTH rows in workgroup memory, an invocation 4 x 4.
// Constants: N, K, ROW_LANES, COLUMN_LANES, LANES, LIVE, ACCUMULATE.
struct Params { alpha: f32 }
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const DEPTH = 16u;
const N_QUADS = N / 4u;
const K_QUADS = K / 4u;
var<workgroup> a_tile: array<vec4f, DEPTH * ROW_LANES>;
var<workgroup> b_tile: array<vec4f, DEPTH * COLUMN_LANES>;

fn store(row: u32, quad: u32, value: vec4f) {
  if (row >= N || quad >= K_QUADS) { return; }
  let at = row * K_QUADS + quad;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = group.y * ROW_LANES;
  let column0 = group.x * COLUMN_LANES;
  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES;
  let live = counts[LIVE];
  // #repeat i 4
  var y{i} = vec4f();
  // #end
  for (var m0 = 0u; m0 < live; m0 += DEPTH) {
    for (var i = lane; i < DEPTH * ROW_LANES; i += LANES) {
      let m = m0 + i / ROW_LANES;
      let quad = row0 + i % ROW_LANES;
      var value = vec4f();
      if (m < live && quad < N_QUADS) { value = a[m * N_QUADS + quad]; }
      a_tile[i] = value;
    }
    for (var i = lane; i < DEPTH * COLUMN_LANES; i += LANES) {
      let m = m0 + i / COLUMN_LANES;
      let quad = column0 + i % COLUMN_LANES;
      var value = vec4f();
      if (m < live && quad < K_QUADS) { value = b[m * K_QUADS + quad]; }
      b_tile[i] = value;
    }
    workgroupBarrier();
    for (var m = 0u; m < DEPTH; m++) {
      let left = a_tile[m * ROW_LANES + own_row];
      let right = b_tile[m * COLUMN_LANES + own_column];
      // #repeat i 4
      y{i} = fma(vec4f(left[{i}]), right, y{i});
      // #end
    }
    workgroupBarrier();
  }
  // #repeat i 4
  store((row0 + own_row) * 4u + {i}u, column0 + own_column, y{i});
  // #end
}
