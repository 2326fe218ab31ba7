>> {"jsonrpc":"2.0","id":111,"method":"eth_sign","params":["0x70997970C51812dc3A010C7d01b50e0d17dc79C8","0x00"]}
<< {"jsonrpc":"2.0","id":111,"result":"0xd55e3f8f149f36c4bac5646696b9a42115516bbf534d23d81fd3717da76c667e7cf78b5ff913a9679828604cc151c865299ee82a54ccf65ca8f7ae2e452f29231c"}
