// y[n, k] = alpha * sum_{m < counts[count_word]} a[m, n] * b[m, k] (added onto y when ACCUMULATE)   (TN: dW of a linear layer)
// a: [M, N], b: [M, K]. The sum over rows stops at counts[count_word]. The lanes of a subgroup load BLOCKS x SUBGROUP columns of a row
// of a together and share them, as in subgroup_nt. One invocation computes BLOCKS x SUBGROUP rows of y and COLUMNS columns.
// Params: gradient_params. Constants: LANES, COLUMNS, SUBGROUP, BLOCKS, UNROLL, ACCUMULATE.
enable subgroups;
// #include "gradient_params"
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

fn store(n: u32, k: u32, value: f32) {
  if (n >= params.n || k >= params.k) { return; }
  let at = n * params.k + k;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let first = group.y * BLOCKS * SUBGROUP;
  let column = group.x * LANES * COLUMNS + lane.x;
  let live = counts[params.count_word];
  let a_width = params.n;
  let b_width = params.k;
  // #repeat j BLOCKS
  let n{j} = min(first + {j}u * SUBGROUP + peer, a_width - 1u);
  // #repeat i SUBGROUP
  // #repeat c COLUMNS
  var y{j}_{i}_{c} = 0f;
  // #end
  // #end
  // #end
  // #repeat c COLUMNS
  let k{c} = min(column + {c}u * LANES, b_width - 1u);
  // #end
  var m = 0u;
  for (; m + UNROLL <= live; m += UNROLL) {
    // #repeat u UNROLL
    // #repeat c COLUMNS
    let b{u}_{c} = b[(m + {u}u) * b_width + k{c}];
    // #end
    // #repeat j BLOCKS
    let a{u}_{j} = a[(m + {u}u) * a_width + n{j}];
    // #end
    // #end
    // #repeat j BLOCKS
    // #repeat i SUBGROUP
    // #repeat u UNROLL
    {
      let s = subgroupBroadcast(a{u}_{j}, {i}u);
      // #repeat c COLUMNS
      y{j}_{i}_{c} = fma(s, b{u}_{c}, y{j}_{i}_{c});
      // #end
    }
    // #end
    // #end
    // #end
  }
  for (; m < live; m++) {
    // #repeat c COLUMNS
    let b{c} = b[m * b_width + k{c}];
    // #end
    // #repeat j BLOCKS
    let a{j} = a[m * a_width + n{j}];
    // #repeat i SUBGROUP
    {
      let s = subgroupBroadcast(a{j}, {i}u);
      // #repeat c COLUMNS
      y{j}_{i}_{c} = fma(s, b{c}, y{j}_{i}_{c});
      // #end
    }
    // #end
    // #end
  }
  // #repeat j BLOCKS
  // #repeat i SUBGROUP
  // #repeat c COLUMNS
  store(first + {j}u * SUBGROUP + {i}u, column + {c}u * LANES, y{j}_{i}_{c});
  // #end
  // #end
  // #end
}
