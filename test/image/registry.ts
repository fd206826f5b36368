/** A registry that images can be pushed to (the push half of the OCI distribution specification), in memory, for one user. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Registry {
  readonly #server: Server;
  /** Manifests by repository and tag, as they were pushed. */
  readonly manifests = new Map<
    string,
    { config: { digest: string }; layers: { digest: string; size: number }[] }
  >();
  readonly blobs = new Map<string, Buffer>();

  private constructor(credentials: string) {
    const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    const uploads = new Map<string, Buffer[]>();
    this.#server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      const answer = (status: number, headers: Record<string, string> = {}) =>
        response.writeHead(status, headers).end();
      if (request.headers.authorization !== authorization)
        return answer(401, { 'WWW-Authenticate': 'Basic realm="test"' });
      const { pathname, searchParams } = new URL(request.url!, 'http://registry');
      const [, name, kind, reference = ''] =
        /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests)\/(.*)$/.exec(pathname) ?? [];
      if (name === undefined) return answer(200);
      if (request.method === 'POST') {
        const id = String(uploads.size);
        uploads.set(id, [body]);
        return answer(202, { Location: `/v2/${name}/blobs/uploads/${id}` });
      }
      if (kind === 'blobs/uploads') {
        uploads.get(reference)!.push(body);
        if (request.method === 'PATCH') return answer(202, { Location: pathname });
        const digest = searchParams.get('digest')!;
        this.blobs.set(digest, Buffer.concat(uploads.get(reference)!));
        return answer(201, { Location: `/v2/${name}/blobs/${digest}` });
      }
      if (kind === 'manifests' && request.method === 'PUT') {
        this.manifests.set(`${name}:${reference}`, JSON.parse(body.toString()));
        return answer(201, { Location: pathname });
      }
      const blob = this.blobs.get(reference);
      return blob === undefined ? answer(404) : answer(200, { 'Content-Length': String(blob.length) });
    });
  }

  /** Starts one for `user:password`. */
  static async start(credentials: string): Promise<Registry> {
    const registry = new Registry(credentials);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get address(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  end(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
