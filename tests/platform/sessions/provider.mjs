// A real identity provider for tests: `node provider.mjs FOLDER`, with the npm package `oidc-provider` in FOLDER.
//
// It prints its port as JSON. What a test posts to /_control says who signs in, what is claimed of them, by how many
// seconds its clock is wrong, and how its ID tokens are falsified after it has made them.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const packages = pathToFileURL(`${process.argv[2]}/node_modules/`);
const { Provider } = await import(new URL('oidc-provider/lib/index.js', packages));
const jose = await import(new URL('jose/dist/webapi/index.js', packages));

const fresh = () => ({ account: 'ann', accounts: {}, userinfoOnly: false, skew: 0, forge: null, down: false, padding: 0 });
let state = fresh();
let discoveries = 0;
let keyReads = 0;
const realNow = Date.now;
Date.now = () => realNow() + state.skew * 1000;

const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await jose.exportJWK(privateKey)), kid: 'own', use: 'sig', alg: 'RS256' };
const other = await jose.generateKeyPair('RS256', { extractable: true });

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  jwks: { keys: [jwk] },
  cookies: { keys: ['a key of cookies for tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'roles', 'realm_access'] },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  ttl: { IdToken: 300, Interaction: 3600, Session: 86400, Grant: 86400 },
  clientDefaults: { id_token_signed_response_alg: 'RS256' },
  pkce: { required: () => true },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  fetch: (url, { dispatcher, ...options }) => fetch(url, options), // the package's own refuses this machine
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (ctx, id) => ({
    accountId: id,
    claims: async (use) => {
      const { roles, realm_access, ...rest } = state.accounts[id] ?? {};
      return { sub: id, ...rest, ...(use === 'userinfo' || !state.userinfoOnly ? { roles, realm_access } : {}) };
    },
  }),
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email profile offline_access');
    await grant.save();
    return grant;
  },
});
provider.on('server_error', (ctx, error) => console.error(error));

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/jwks') keyReads += 1;
  if (ctx.path === '/token' && state.tokenBody !== undefined) ctx.body = state.tokenBody;
  if (ctx.path === '/token' && ctx.body?.id_token && state.forge) ctx.body.id_token = await forged(ctx.body.id_token);
});

// forge: {alg, key: "own" | "other", kid, claims}
async function forged(token) {
  const { alg = 'RS256', key = 'own', kid = 'own', claims = {} } = state.forge;
  const all = { ...jose.decodeJwt(token), ...claims };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  if (alg === 'none') return new jose.UnsecuredJWT(all).encode();
  const secret = alg === 'HS256' ? new TextEncoder().encode(state.forge.secret) : key === 'own' ? privateKey : other.privateKey;
  return new jose.SignJWT(all).setProtectedHeader({ alg, kid }).sign(secret);
}

// {claims, typ, key}: what a provider would send to the back channel, for tests that send it themselves.
async function logoutToken({ claims, typ = 'logout+jwt', key = 'own' }) {
  const signer = key === 'own' ? privateKey : other.privateKey;
  return new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'own', typ }).sign(signer);
}

async function control(request, response) {
  let text = '';
  for await (const part of request) text += part;
  const asked = JSON.parse(text);
  let answer = { discoveries, keyReads };
  if (asked.reset) { state = fresh(); discoveries = 0; keyReads = 0; }
  if (asked.state) Object.assign(state, asked.state);
  if (asked.logoutToken) answer = { token: await logoutToken(asked.logoutToken) };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
}

async function interaction(request, response) {
  const result = { login: { accountId: state.account } };
  try {
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}

const callback = provider.callback();
server.on('request', (request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/_control') return void control(request, response);
  if (state.down === 'hangs') return undefined;
  if (state.down) return void response.writeHead(503).end('down');
  if (path.startsWith('/interaction/')) return void interaction(request, response);
  if (path === '/.well-known/openid-configuration') {
    discoveries += 1;
    if (state.padding) return void response.end(JSON.stringify({ issuer, padding: 'x'.repeat(state.padding) }));
  }
  return callback(request, response);
});
console.log(JSON.stringify({ port: server.address().port }));
