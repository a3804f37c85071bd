"""KubeVirt's virtual machines: from YAML or JSON to the domain that KubeVirt hands to libvirt."""

from virtkit.readers.kubevirt.reader import READER, KubeVirt

__all__ = ["READER", "KubeVirt"]
