// Converts the index of a workgroup that was folded to 2-D (`fold` in kernel.ts) back to one number.
fn flat_workgroup(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
