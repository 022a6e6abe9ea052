import { expect, test } from 'vitest';
import { preflight } from '../../../vagrant/preflight/checks.js';
import { findingsAsJson, hasErrors, renderFindings } from '../../../vagrant/preflight/render.js';
import { hostFacts, lan, lxcPlan, virtualBoxPlan, withLxc, withVirtualBox } from './builders.js';

test('a bad host for VirtualBox, as people see it', () => {
  const facts = withVirtualBox(
    {
      program: { state: 'found', version: '7.0.20' },
      networksConf: { state: 'absent' },
      kvm: { module: 'kvm_intel', users: 1, holdsCpu: true },
    },
    {
      vagrant: { state: 'found', version: '2.2.14' },
      interfaces: [lan, { name: 'wlan0', addresses: [{ address: '192.168.11.37', prefixLength: 24 }] }],
      takenAddresses: [
        { address: '192.168.11.5', how: 'accepts connections to port 22', mac: 'a4:2b:b0:11:22:33' },
      ],
      memory: { totalMb: 8_000, availableMb: 2_100 },
    },
  );
  expect(renderFindings(preflight(facts, virtualBoxPlan()))).toMatchInlineSnapshot(`
    "error: Vagrant is 2.2.14; the boxes need 2.2.19 or newer
        sudo apt install vagrant   # Debian 12; elsewhere https://developer.hashicorp.com/vagrant/install

    error: Vagrant 2.2.14 does not know VirtualBox 7.0.20; it takes Vagrant 2.3.4
        install a newer Vagrant from https://developer.hashicorp.com/vagrant/install
        or install an older VirtualBox

    error: VirtualBox 7.0.20 refuses host-only networks outside 192.168.56.0/21, and 192.168.11.x is outside
        HOTSPARE_SUBNET=192.168.56 vagrant up   # remembered for the next time
        sudo mkdir -p /etc/vbox && echo '* 192.168.56.0/21 192.168.11.0/24' | sudo tee /etc/vbox/networks.conf   # or allow it

    error: 192.168.11.x is in use already: this machine has 192.168.11.37/24 on wlan0
        HOTSPARE_SUBNET=192.168.56 vagrant up   # remembered for the next time

    error: 192.168.11.5, meant for adm1, is taken: something there accepts connections to port 22 (hardware address a4:2b:b0:11:22:33)
        HOTSPARE_SUBNET=192.168.56 vagrant up   # remembered for the next time
        stop what has 192.168.11.5

    error: 5 boxes of 768 MB need 3840 MB, and 2100 MB are free
        close other programs
        use fewer boxes: "count" of the groups in vagrant/topology.json

    warning: KVM runs virtual machines now; VirtualBox then may fail with VERR_VMX_IN_VMX_ROOT_MODE or VERR_SVM_IN_USE
        sudo modprobe -r kvm_intel kvm   # once KVM's own machines are stopped

    6 errors, 1 warning; nothing was created.
    "
  `);
});

test('a bare host for LXC, as people see it', () => {
  const facts = withLxc({ bridge: { state: 'absent' }, box: 'absent' });
  expect(renderFindings(preflight({ ...facts, plugins: [], cpus: 1 }, lxcPlan()))).toMatchInlineSnapshot(`
    "error: Vagrant has no plugin vagrant-lxc
        sudo apt install vagrant-lxc   # where Vagrant came with the distribution
        vagrant plugin install vagrant-lxc   # elsewhere

    error: there is no bridge hotspare0 to plug the boxes into
        sudo vagrant/lxc-bridge up --bridge hotspare0 --subnet 192.168.11

    error: Vagrant has no box hotspare/bookworm for LXC
        sudo vagrant/build-lxc-box   # once

    warning: this machine has one CPU: starting the boxes takes long, and failovers are slower than stated

    3 errors, 1 warning; nothing was created.
    "
  `);
});

test('warnings alone stop nothing', () => {
  const findings = preflight(hostFacts({ cpus: 1 }), lxcPlan());
  expect(hasErrors(findings)).toBe(false);
  expect(renderFindings(findings)).toMatch(/^warning: [\s\S]*\n\n1 warning; going on\.\n$/);
});

test('nothing found, nothing printed', () => {
  expect(renderFindings([])).toBe('');
  expect(hasErrors([])).toBe(false);
});

test('as JSON', () => {
  const findings = preflight(hostFacts({ opensslCommand: false }), lxcPlan());
  expect(JSON.parse(findingsAsJson(findings))).toEqual({ ok: false, findings });
  expect(JSON.parse(findingsAsJson([]))).toEqual({ ok: true, findings: [] });
});
