locals {
  a = 1 / 0
  b = [1][5]
  c = { a = 1 }.b
  d = "x" + 1
  e = "${[1]}-${null}"
  f = null.x
  g = true && "maybe"
  h = { for x in ["a", "a"] : x => x }
  i = [for x in 5 : x]
  j = tonumber("x")
  k = local.a + 1
  l = templatestring("$${missing}", {})
  m = toset(["a"])[0]
  n = try(local.a, "caught elsewhere")
}
