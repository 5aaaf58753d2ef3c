// another one
