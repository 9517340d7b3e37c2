// y[n, k] = alpha * sum_{m < live} a[m, n] * b[m, k] (added onto y when ACCUMULATE)   (TN: dW of a linear layer)
// a: [M, N], b: [M, K]; N and K multiples of 4. The sum over rows stops at counts[LIVE], so tail rows never count.
// Constants: N, K, LANES, LIVE, ACCUMULATE.
struct Params { alpha: f32 }
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const K4 = K / 4u;
const N4 = N / 4u;

fn store(row: u32, k4: u32, value: vec4f) {
  let at = row * K4 + k4;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let n4 = group.y;
  let k4 = group.x * LANES + lane.x;
  if (k4 >= K4 || n4 >= N4) { return; }
  let live = counts[LIVE];
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var m = 0u; m < live; m++) {
    let left = a[m * N4 + n4];
    let right = b[m * K4 + k4];
    c0 += left.x * right;
    c1 += left.y * right;
    c2 += left.z * right;
    c3 += left.w * right;
  }
  store(n4 * 4u, k4, c0);
  store(n4 * 4u + 1u, k4, c1);
  store(n4 * 4u + 2u, k4, c2);
  store(n4 * 4u + 3u, k4, c3);
}
