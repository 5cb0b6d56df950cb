/** What the page's policy lets write styles with; the server writes it into the page, anew for each load. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
