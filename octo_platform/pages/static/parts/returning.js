// @ts-check

/** Where to go after signing in: a path of this platform, whatever the address says. @param {string} search */
export function returning(search) {
  const given = new URLSearchParams(search).get("return_to") ?? "/";
  if (!/^\/(?![/\\])/.test(given) || !URL.canParse(given, location.origin)) return "/";
  const found = new URL(given, location.origin);
  if (found.origin !== location.origin || found.pathname.startsWith("//") || found.pathname === "/login") return "/";
  return found.pathname + found.search;
}
