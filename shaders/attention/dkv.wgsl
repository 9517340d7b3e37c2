// dk[j, g] = scale * sum_h sum_t p (do . v_j - delta) q[t, h],  dv[j, g] = sum_h sum_t p do[t, h]
// over queries t >= j of j's segment and the GROUP query heads h of key head g.               (flash attention backward)
// One invocation per key and key head; query and gradient tiles of BK rows pass through workgroup memory. Heads and then
// queries are visited in order: no atomics. Constants: HD4 = head size / 4, KV, GROUP, KB, BK (LANES = KB).
// do, q: [T, KV * GROUP * HD]; k, v, dk, dv: [T, KV * HD]; lse_delta: [T, KV * GROUP, 2]; spans as in attention.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;


const HEADS = KV * GROUP;
var<workgroup> query_tile: array<vec4f, BK * HD4>;
var<workgroup> grad_tile: array<vec4f, BK * HD4>;
var<workgroup> lse_tile: array<vec2f, BK>;

@compute @workgroup_size(KB)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let first_key = group.x * KB;
  let live = spans[0].x;
  if (first_key >= live) { return; }
  let last_key = min(first_key + KB, live) - 1u;
  let end_query = spans[1u + last_key].y;
  let kv = group.y;
  let key = min(first_key + lane.x, live - 1u);
  let end = spans[1u + key].y;
  let at_key = key * KV + kv;

  // #repeat d HD4
  let kr{d} = k[at_key * HD4 + {d}u] * params.scale;
  let vr{d} = v[at_key * HD4 + {d}u];
  var dk_acc{d} = vec4f();
  var dv_acc{d} = vec4f();
  // #end
  for (var g = 0u; g < GROUP; g++) {
    let head = kv * GROUP + g;
    for (var base = first_key; base < end_query; base += BK) {
      workgroupBarrier();
      for (var i = lane.x; i < BK * HD4; i += KB) {
        let t = base + i / HD4;
        if (t < end_query) {
          let at = (t * HEADS + head) * HD4 + i % HD4;
          query_tile[i] = q[at];
          grad_tile[i] = grad_o[at];
        }
      }
      for (var i = lane.x; i < BK; i += KB) {
        let t = base + i;
        if (t < end_query) { lse_tile[i] = lse_delta[t * HEADS + head]; }
      }
      workgroupBarrier();
      let count = min(BK, end_query - base);
      for (var j = 0u; j < count; j++) {
        let t = base + j;
        if (t >= key && t < end) {
          var s4 = vec4f();
          var g4 = vec4f();
          // #repeat d HD4
          s4 += kr{d} * query_tile[j * HD4 + {d}u];
          g4 += vr{d} * grad_tile[j * HD4 + {d}u];
          // #end
          let p = exp(s4.x + s4.y + s4.z + s4.w - lse_tile[j].x);
          let ds = p * (g4.x + g4.y + g4.z + g4.w - lse_tile[j].y);
          // #repeat d HD4
          dv_acc{d} += p * grad_tile[j * HD4 + {d}u];
          dk_acc{d} += ds * query_tile[j * HD4 + {d}u];
          // #end
        }
      }
    }
  }
  if (first_key + lane.x < live) {
    // #repeat d HD4
    dk[at_key * HD4 + {d}u] = dk_acc{d} * params.scale;
    dv[at_key * HD4 + {d}u] = dv_acc{d};
    // #end
  }
}
