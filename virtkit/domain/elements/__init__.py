"""One function for each kind of device element: it reads the element into a typed device of the inventory."""
