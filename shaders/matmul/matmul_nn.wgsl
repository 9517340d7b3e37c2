// y[m, n] = alpha * sum_k x[m, k] * w[k, n] (added onto y when ACCUMULATE)          (NN: dX of a linear layer)
// x: [M, K], w: [K, N]; K and N multiples of 4. One invocation computes a 4 x 4 tile, lanes along N.
// Constants: K, N, LANES, ACCUMULATE.
struct Params { rows: u32, alpha: f32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

const K4 = K / 4u;
const N4 = N / 4u;

fn store(row: u32, n4: u32, value: vec4f) {
  if (row >= params.rows) { return; }
  let at = row * N4 + n4;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = (group.y + group.z * 32768u) * 4u;
  let n4 = group.x * LANES + lane.x;
  if (n4 >= N4 || row >= params.rows) { return; }
  let last = params.rows - 1u;
  let x0 = row * K4;
  let x1 = min(row + 1u, last) * K4;
  let x2 = min(row + 2u, last) * K4;
  let x3 = min(row + 3u, last) * K4;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let a0 = x[x0 + k];
    let a1 = x[x1 + k];
    let a2 = x[x2 + k];
    let a3 = x[x3 + k];
    var b = w[(4u * k) * N4 + n4];
    c0 += a0.x * b; c1 += a1.x * b; c2 += a2.x * b; c3 += a3.x * b;
    b = w[(4u * k + 1u) * N4 + n4];
    c0 += a0.y * b; c1 += a1.y * b; c2 += a2.y * b; c3 += a3.y * b;
    b = w[(4u * k + 2u) * N4 + n4];
    c0 += a0.z * b; c1 += a1.z * b; c2 += a2.z * b; c3 += a3.z * b;
    b = w[(4u * k + 3u) * N4 + n4];
    c0 += a0.w * b; c1 += a1.w * b; c2 += a2.w * b; c3 += a3.w * b;
  }
  store(row, n4, c0);
  store(row + 1u, n4, c1);
  store(row + 2u, n4, c2);
  store(row + 3u, n4, c3);
}
