/** The recipes of docs/DOCKER.md for builds in a CI: what they say as YAML, and that their commands build images. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { needs } from '../needs.ts';
import { makeRoot } from '../programs/engines.ts';
import { refuseBinfmt, removeStorage, run, writeContext } from './buildah.ts';
import { Docker, imageArchive } from './docker.ts';
import { Registry } from './registry.ts';
import { packInto, project, temporaryDirectory } from './roots.ts';

const MINUTES = 60_000;
const directory = temporaryDirectory();
const docker = await Docker.start(`${directory}/docker`);
const withDocker = needs('a Docker daemon', docker !== undefined);

const text = readFileSync(`${project}docs/DOCKER.md`, 'utf8');

/** The example behind a line that begins so, without its indentation. */
function example(introduction: string): string {
  const after = text.slice(text.indexOf(`\n${introduction}`));
  return /(?: {4}.*\n|\n(?= {4}))+/.exec(after)![0].replace(/^ {4}/gm, '');
}

/** The image that the recipes' Dockerfile is from; nothing is fetched. */
const base = `${directory}/debian.tar`;
const DOCKERFILE =
  'FROM arm32v7/debian:bookworm\nADD armrun.tar.gz /\nRUN uname -m >/made\nRUN /armrun/armrun clean\n';
const gz = `${directory}/armrun.tar.gz`;
const folder = `${directory}/folder.tar.gz`;
beforeAll(() => {
  refuseBinfmt();
  imageArchive(makeRoot('date'), base, 'arm32v7/debian:bookworm');
  packInto(gz);
  packInto(folder, '--folder-only');
}, 10 * MINUTES);
afterAll(async () => {
  await docker?.end();
  removeStorage(directory);
});

/** A repository with a Dockerfile and the archive. */
function checkout(name: string, dockerfile: string, archive = gz): string {
  const context = `${directory}/${name}`;
  mkdirSync(context);
  writeContext(context, dockerfile, { links: { 'armrun.tar.gz': archive } });
  return context;
}

const made = (root: string) => {
  expect(existsSync(`${root}/armrun`)).toBe(false);
  return readFileSync(`${root}/made`, 'utf8');
};

test('Dockerfiles have no words behind their lines that are meant for the reader: there are no such comments', () => {
  const lines = /^ {4}(ADD|COPY|FROM|RUN|SHELL|USER)\b.* # .*$/gm;
  expect(text.match(lines)).toBeNull();
  expect(readFileSync(`${project}README.md`, 'utf8').match(lines)).toBeNull();
});

describe('the recipe for', () => {
  withDocker.test(
    withDocker.name('GitHub Actions'),
    async () => {
      const { jobs } = parse(example('GitHub Actions'));
      const { image } = jobs;
      // https://docs.github.com/actions/reference/workflow-syntax-for-github-actions
      expect(Object.keys(image)).toEqual(['runs-on', 'steps']);
      const [first, second] = image.steps;
      expect(first).toEqual({ uses: expect.stringMatching(/^actions\/checkout@v\d$/) });
      expect(Object.keys(second)).toEqual(['run']);
      docker!.command('load', '--input', base);
      // This daemon has no bridge.
      const command = second.run.replace('docker build ', 'docker build --network host ');
      const { status, output } = await docker!.shell(command, checkout('github', DOCKERFILE));
      expect(status, output).toBe(0);
      expect(made(docker!.unpack('image', `${directory}/of-github`))).toBe('armv7l\n');
    },
    10 * MINUTES,
  );

  test(
    'GitLab',
    async () => {
      const recipe = parse(example('GitLab'));
      // https://docs.gitlab.com/ci/yaml/
      expect(recipe).toEqual({
        image: { image: expect.any(String), variables: expect.any(Object), script: expect.any(Array) },
      });
      const { variables, script } = recipe.image;
      const registry = await Registry.start('gitlab-ci-token:secret');
      try {
        // What the runner gives: a storage of its own, and a registry.
        const storage = `${directory}/gitlab-storage`;
        mkdirSync(storage);
        writeFileSync(
          `${storage}/storage.conf`,
          `[storage]\ndriver = "overlay"\ngraphroot = "${storage}/graph"\nrunroot = "${storage}/run"\n`,
        );
        writeFileSync(
          `${storage}/registries.conf`,
          `[[registry]]\nlocation = "${registry.address}"\ninsecure = true\n`,
        );
        const env = {
          PATH: process.env.PATH,
          HOME: storage,
          CONTAINERS_STORAGE_CONF: `${storage}/storage.conf`,
          CONTAINERS_REGISTRIES_CONF: `${storage}/registries.conf`,
          CI_REGISTRY_IMAGE: `${registry.address}/group/thing`,
          CI_REGISTRY_USER: 'gitlab-ci-token',
          CI_REGISTRY_PASSWORD: 'secret',
          ...variables,
        };
        const cwd = checkout('gitlab', DOCKERFILE);
        for (const line of [`buildah pull docker-archive:${base}`, ...script]) {
          const { status, output } = await run('sh', ['-ec', line], { env, cwd });
          expect(status, `${line}: ${output}`).toBe(0);
        }
        const manifest = registry.manifests.get('group/thing:latest')!;
        expect(manifest.layers.length).toBeGreaterThan(0);
        const config = JSON.parse(registry.blobs.get(manifest.config.digest)!.toString());
        expect(config).toMatchObject({ architecture: 'arm', variant: 'v7', os: 'linux' });
        // The base's layer, and one of what the build has left.
        expect(manifest.layers.at(-1)!.size).toBeLessThan(1e6);
      } finally {
        registry.end();
      }
    },
    10 * MINUTES,
  );

  test('compose is what its specification knows', () => {
    // https://github.com/compose-spec/compose-spec: `build` is a context, `platform` os[/arch[/variant]].
    expect(parse(example('Compose'))).toEqual({
      services: { thing: { platform: 'linux/arm/v7', build: '.' } },
    });
  });

  withDocker.test(
    withDocker.name('a builder that takes a Dockerfile alone'),
    async () => {
      const blocks = text
        .slice(text.indexOf('\nA hosted builder'))
        .match(/(?<=\n\n)( {4}FROM .*\n)( {4}.*\n)+/g)!;
      const [put, use] = blocks.map((block) => block.replace(/^ {4}/gm, '').replaceAll('YOU/', 'you/'));
      docker!.command('load', '--input', base);
      const build = 'docker build --network host --platform linux/arm/v7 -t';
      const first = await docker!.shell(`${build} you/armrun .`, checkout('hosted', put!, folder));
      expect(first.status, first.output).toBe(0);
      const context = `${directory}/alone`;
      mkdirSync(context);
      // Nothing is fetched here.
      writeFileSync(`${context}/Dockerfile`, use!.replace(/apt-get update.*/, 'uname -m >/made'));
      const second = await docker!.shell(`${build} alone .`, context);
      expect(second.status, second.output).toBe(0);
      expect(readFileSync(`${docker!.unpack('alone', `${directory}/of-alone`)}/made`, 'utf8')).toBe(
        'armv7l\n',
      );
    },
    10 * MINUTES,
  );
});
