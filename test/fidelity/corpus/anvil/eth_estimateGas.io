>> {"jsonrpc":"2.0","id":17,"method":"eth_estimateGas","params":[{"to":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x85bb7d69"}]}
<< {"jsonrpc":"2.0","id":17,"result":"0x52a8"}
>> {"jsonrpc":"2.0","id":18,"method":"eth_estimateGas","params":[{"to":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x8679b0c0"}]}
<< {"jsonrpc":"2.0","id":18,"error":{"code":3,"message":"execution reverted: custom error 0x7e46dab6: \u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000*","data":"0x7e46dab6000000000000000000000000000000000000000000000000000000000000002a"}}
